-- The price books that calls were priced by: each stays as long as calls are marked with it.
CREATE TABLE IF NOT EXISTS price_editions (
    edition      VARCHAR NOT NULL,    -- hash of what follows
    since        TIMESTAMP NOT NULL,  -- UTC; when it first was in force
    in_force     BOOLEAN NOT NULL,    -- new calls are priced by it: one row
    trusts_spans BOOLEAN NOT NULL,    -- costs on spans go before list prices
    list_version VARCHAR NOT NULL,    -- of genai-prices
    prices       VARCHAR NOT NULL     -- the user's own prices, as JSON
);
