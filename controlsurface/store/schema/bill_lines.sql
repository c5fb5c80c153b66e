-- What providers charged, as their bills say it: one row a day, model and kind of charge of a bill.
-- A bill comes in parts and counts once all of them are here. Of two bills with the same provider, account and day the
-- one imported later counts.
CREATE TABLE IF NOT EXISTS bill_lines (
    bill          VARCHAR NOT NULL,          -- SHA-256 of the file: importing it twice adds nothing
    part          INTEGER NOT NULL,          -- 0, 1, ...
    parts         INTEGER NOT NULL,          -- how many the bill has
    file          VARCHAR NOT NULL,          -- its name
    form          VARCHAR NOT NULL,          -- openai | anthropic | focus | csv
    account       VARCHAR NOT NULL,          -- '' where the provider has one for us
    imported_at   TIMESTAMP NOT NULL,        -- UTC
    imported_by   VARCHAR NOT NULL,
    day           DATE NOT NULL,             -- UTC, as the provider cuts days
    provider      VARCHAR NOT NULL,
    model         VARCHAR,                   -- as the bill names it; NULL: of no single model
    kind          VARCHAR NOT NULL,          -- usage | credit | tax | other
    amount_usd    DECIMAL(38, 18) NOT NULL,
    input_tokens  BIGINT,                    -- all input, cached included; NULL: the bill counts none
    cached_tokens BIGINT,
    output_tokens BIGINT,
    service_tier  VARCHAR,                   -- NULL: not said
    region        VARCHAR,                   -- NULL: not said
    note          VARCHAR                    -- what the bill calls it
);
