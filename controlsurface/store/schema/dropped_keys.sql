-- Attribute keys under which the content policy dropped something before the journal, with how often.
CREATE TABLE IF NOT EXISTS dropped_keys (
    key        VARCHAR NOT NULL,
    n          BIGINT NOT NULL,     -- values of which something was dropped
    first_seen TIMESTAMP NOT NULL,  -- UTC, when it was first written down
    last_seen  TIMESTAMP NOT NULL
);
