-- What is read again from stored spans by the vocabularies of now: one row, of the last time that somebody asked for it.
CREATE TABLE IF NOT EXISTS rederiving (
    asked_at    TIMESTAMP NOT NULL,  -- UTC
    who         VARCHAR NOT NULL,    -- who asked
    since       TIMESTAMP NOT NULL,  -- UTC; what started before stays as it is
    "until"     TIMESTAMP NOT NULL,  -- UTC; what started at this time or later is done
    spans       BIGINT NOT NULL,     -- that were to be read again
    done        BIGINT NOT NULL,     -- of them
    changed     BIGINT NOT NULL,     -- of those, that say something else now
    frozen      BIGINT NOT NULL,     -- spans since then that the retention has frozen: they stay as they were
    finished_at TIMESTAMP,           -- NULL: still at it
    problem     VARCHAR              -- why it ended before it was done
);
