-- What people took as the new normal. The detector grants a wish at its next look.
CREATE TABLE IF NOT EXISTS drift_accepts (
    rule       VARCHAR NOT NULL,
    slice      VARCHAR NOT NULL,    -- JSON object of dimensions and values; {}: all slices
    "at"       TIMESTAMP NOT NULL,  -- UTC
    who        VARCHAR NOT NULL,
    why        VARCHAR,
    granted_at TIMESTAMP            -- UTC; NULL: not yet
);
