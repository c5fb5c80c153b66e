-- The models seen while the configuration names no lanes, of calls that name none either, and the lanes they are
-- assumed to be in (see money/assumed.py).
CREATE TABLE IF NOT EXISTS assumed_lanes (
    provider     VARCHAR,           -- as sent; NULL: none named
    model        VARCHAR NOT NULL,  -- as sent
    name         VARCHAR NOT NULL,  -- as lanes name it: lower case, without provider prefix and date
    counted      BOOLEAN NOT NULL,  -- it answers users; others (classifiers, judges) do not move the cut
    usd_per_mtok DECIMAL(18, 12),   -- list price, three parts input and one part output; NULL: none known
    lane         VARCHAR            -- NULL: unknown
);
