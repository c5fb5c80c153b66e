-- When each bucket was last rolled up, and from how many stored rows.
CREATE TABLE IF NOT EXISTS rolled (
    step_s    INTEGER NOT NULL,    -- length of the bucket in seconds: 300 or 3600
    bucket    TIMESTAMP NOT NULL,  -- its start, UTC
    rolled_at TIMESTAMP NOT NULL,  -- UTC
    requests  BIGINT NOT NULL,
    attempts  BIGINT NOT NULL
);
