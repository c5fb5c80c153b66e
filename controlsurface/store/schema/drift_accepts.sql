-- Wishes to take the present as normal; the detector grants them at its next look and removes them.
CREATE TABLE IF NOT EXISTS drift_accepts (
    rule  VARCHAR NOT NULL,
    slice VARCHAR,             -- JSON object of dimensions and values; NULL: all slices
    "at"  TIMESTAMP NOT NULL   -- UTC
);
