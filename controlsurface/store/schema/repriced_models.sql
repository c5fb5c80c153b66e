-- What the last order to price stored calls anew changes, or changed, by model.
CREATE TABLE IF NOT EXISTS repriced_models (
    model           VARCHAR,                  -- as stored with calls; NULL: none named
    calls           BIGINT NOT NULL,          -- billable
    priced_before   BIGINT NOT NULL,          -- of them
    priced_after    BIGINT NOT NULL,
    usd_before      DECIMAL(38, 12) NOT NULL, -- of those with a cost
    usd_after       DECIMAL(38, 12) NOT NULL
);
