-- One row: how the retention last went.
CREATE TABLE IF NOT EXISTS retention_loop (
    ran_at  TIMESTAMP NOT NULL, -- UTC: when the last run began
    next_at TIMESTAMP NOT NULL, -- UTC: when the next one is due
    problem VARCHAR             -- why something that is too old is still there; NULL: nothing is
);
