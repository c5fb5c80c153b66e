-- What came and what became of it, a row for each minute of arrival and service.
CREATE TABLE IF NOT EXISTS arrivals (
    started_at   TIMESTAMP NOT NULL,  -- UTC: the minute
    service      VARCHAR,             -- resource service.name; NULL: not said, or no matter what was in it
    spans        BIGINT NOT NULL,     -- stored, or richer than the copy that was
    unrecognised BIGINT NOT NULL,     -- ... of them, those that speak no known vocabulary
    late         BIGINT NOT NULL,     -- ... those whose trace had rows already
    lag_ms       DOUBLE NOT NULL,     -- from being received to being stored, summed over them
    aged         BIGINT NOT NULL,     -- ... those whose end is known
    age_ms       DOUBLE NOT NULL,     -- from their end to being stored, summed over these
    duplicate    BIGINT NOT NULL,     -- known already
    expired      BIGINT NOT NULL,     -- older than what is kept
    rejected     BIGINT NOT NULL,     -- refused one by one
    refused      BIGINT NOT NULL      -- bodies that were told to come again later
);
