-- What each run of the retention removed from each table.
CREATE TABLE IF NOT EXISTS retention_runs (
    ran_at      TIMESTAMP NOT NULL, -- UTC: when the run began
    "table"     VARCHAR NOT NULL,
    removed     BIGINT NOT NULL,    -- rows
    gone_before TIMESTAMP NOT NULL  -- UTC: nothing older is left there
);
