-- Attribute keys seen on spans that no vocabulary reads, with how often: what could be recognised but is not.
CREATE TABLE IF NOT EXISTS attribute_keys (
    key        VARCHAR NOT NULL,
    n          BIGINT NOT NULL,
    first_seen TIMESTAMP NOT NULL,  -- UTC, by arrival
    last_seen  TIMESTAMP NOT NULL
);
