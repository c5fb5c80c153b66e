-- Weeks that were over and got other prices: one row for each order to price anew that changed calls of the week. The first
-- figures of a week are revision 1; they have no row. Written with the calls, so that an order cut off is said, too.
CREATE TABLE IF NOT EXISTS restatements (
    week       VARCHAR NOT NULL,         -- 2026-W47, of the calls' start in UTC
    revision   INTEGER NOT NULL,         -- 2, 3, ...
    "at"       TIMESTAMP NOT NULL,       -- UTC; when it was asked for
    edition    VARCHAR NOT NULL,         -- of the price book that holds now
    who        VARCHAR NOT NULL,         -- who asked
    calls      BIGINT NOT NULL,          -- that cost something else now, or are priced in other parts
    usd_before DECIMAL(38, 18) NOT NULL, -- known cost of those calls, weighted
    usd_after  DECIMAL(38, 18) NOT NULL
);
