-- Wishes that the retention be applied now; the collector grants them at its next look.
CREATE TABLE IF NOT EXISTS retention_asked (
    "at" TIMESTAMP NOT NULL,  -- UTC
    who  VARCHAR NOT NULL
);
