-- Buckets of which a roll-up would save nothing, with so many different values or so few rows: read from stored rows.
CREATE TABLE IF NOT EXISTS rollup_skipped (
    rollup VARCHAR NOT NULL,
    bucket TIMESTAMP NOT NULL
);
