-- Buckets with so many different values that a roll-up of them would save nothing: answered from stored rows.
CREATE TABLE IF NOT EXISTS rollup_skipped (
    rollup VARCHAR NOT NULL,
    bucket TIMESTAMP NOT NULL
);
