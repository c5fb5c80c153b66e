-- For a time, alerts whose labels match are not sent.
CREATE TABLE IF NOT EXISTS silences (
    id         VARCHAR NOT NULL,
    matchers   STRUCT(name VARCHAR, value VARCHAR, is_regex BOOLEAN, is_equal BOOLEAN)[] NOT NULL,
    starts_at  TIMESTAMP NOT NULL,  -- UTC
    ends_at    TIMESTAMP NOT NULL,  -- UTC, not part of it
    created_by VARCHAR NOT NULL,
    comment    VARCHAR NOT NULL,
    updated_at TIMESTAMP NOT NULL   -- UTC
);
