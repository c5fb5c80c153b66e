-- What happened to everything that was sent, since the store was made.
CREATE TABLE ingest_counters (
    name  VARCHAR NOT NULL,
    value BIGINT NOT NULL
);
