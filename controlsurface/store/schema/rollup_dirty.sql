-- Buckets whose roll-ups are not what the stored rows say: still open, or changed since. Marked in the transaction that
-- changes the rows, once for each step; a mark may be there several times. A bucket without a mark is right.
CREATE TABLE IF NOT EXISTS rollup_dirty (
    step_s INTEGER NOT NULL,   -- length of the bucket in seconds: 300 or 3600
    bucket TIMESTAMP NOT NULL  -- its start, UTC
);
