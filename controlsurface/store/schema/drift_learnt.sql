-- The history that the drift detector has seen of a rule, one row a rule: more of it is noticed.
CREATE TABLE IF NOT EXISTS drift_learnt (
    rule       VARCHAR NOT NULL,    -- name of the alert
    definition VARCHAR NOT NULL,    -- what is counted, as JSON; a row of another definition is of no use
    settled_at TIMESTAMP NOT NULL,  -- UTC: buckets before it are settled
    first_at   TIMESTAMP NOT NULL,  -- UTC: the first of the hours
    requests   DOUBLE[] NOT NULL,   -- in each hour that was settled, of all slices
    seen_at    TIMESTAMP NOT NULL   -- UTC: when they were counted
);
