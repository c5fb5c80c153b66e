-- Requests that a router was told to shadow, with the probability they had: for shadow calls that do not carry it.
CREATE TABLE IF NOT EXISTS sampled_requests (
    request_id  VARCHAR NOT NULL,
    sampled_at  TIMESTAMP NOT NULL,  -- UTC
    version     INTEGER NOT NULL,    -- of the plan
    stratum     VARCHAR NOT NULL,
    probability DOUBLE NOT NULL
);
