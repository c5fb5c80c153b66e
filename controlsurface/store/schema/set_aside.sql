-- Records that were accepted but cannot be stored as rows: kept whole, with the reason.
CREATE TABLE IF NOT EXISTS set_aside (
    set_aside_at TIMESTAMP NOT NULL,  -- UTC
    signal       VARCHAR NOT NULL,    -- traces | logs | metrics
    payload      BLOB NOT NULL,       -- the OTLP protobuf body
    problem      VARCHAR NOT NULL
);
