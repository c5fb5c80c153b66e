-- What happened to everything that was sent, since the store was made.
CREATE TABLE IF NOT EXISTS ingest_counters (
    name  VARCHAR NOT NULL,
    value BIGINT NOT NULL
);
