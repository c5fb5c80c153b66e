-- The order to price stored calls by the edition in force: one row, of the last time that somebody gave it.
CREATE TABLE IF NOT EXISTS repricing (
    asked_at    TIMESTAMP NOT NULL,       -- UTC
    who         VARCHAR NOT NULL,         -- who asked
    since       TIMESTAMP NOT NULL,       -- UTC; requests that began before stay as they are
    "until"     TIMESTAMP NOT NULL,       -- UTC; requests that began at this time or later are done
    dry_run     BOOLEAN NOT NULL,         -- figures alone: nothing is changed
    edition     VARCHAR NOT NULL,         -- of the price book, that was in force then
    calls       BIGINT NOT NULL,          -- that were to be priced
    done        BIGINT NOT NULL,          -- of them
    changed     BIGINT NOT NULL,          -- of those, that cost something else now
    frozen      BIGINT NOT NULL,          -- calls since then that the retention has frozen: they stay as they were
    finished_at TIMESTAMP,                -- NULL: still at it
    problem     VARCHAR,                  -- why it ended before it was done
    untimed     BIGINT                    -- calls since then whose start is no time: priced as of their arrival
);
