-- Dimensions that had more values on a day than their limit allows: those that were stored as `(other)`.
CREATE TABLE IF NOT EXISTS values_over_limit (
    dimension    VARCHAR NOT NULL,
    day          DATE NOT NULL,        -- UTC
    least_hashes UBIGINT[] NOT NULL,   -- up to 256, from which it is told how many values there are
    samples      VARCHAR[] NOT NULL,   -- up to five of them
    last_at      TIMESTAMP NOT NULL    -- when one last came
);
