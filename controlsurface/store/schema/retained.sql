-- What was removed because it was too old, one row a kind, moved forward in the transaction that removes.
-- 'frozen': buckets before it are never rolled up again, and spans before it are not taken any more.
CREATE TABLE IF NOT EXISTS retained (
    kind        VARCHAR NOT NULL,   -- frozen | spans | requests (with attempts and 5-minute roll-ups) | rollups | ...
    gone_before TIMESTAMP NOT NULL  -- UTC; nothing that began before it is left
);
