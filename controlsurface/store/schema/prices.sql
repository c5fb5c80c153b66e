-- Prices of the models seen so far: the user's price book and genai-prices, one row where nothing changes.
-- Rows of one (edition, provider, model, service_tier, source) never overlap; upper bounds are exclusive; NULL bounds are open.
CREATE TABLE IF NOT EXISTS prices (
    provider                  VARCHAR,           -- as sent; NULL: none named
    model                     VARCHAR NOT NULL,  -- as sent
    source                    VARCHAR NOT NULL,  -- user | genai-prices
    mode                      VARCHAR,           -- realtime | batch; NULL: both, and from genai-prices: none for batch is known
    valid_from                DATE,              -- UTC
    valid_to                  DATE,
    time_from                 TIME,              -- of day, UTC
    time_to                   TIME,
    tier_from                 BIGINT NOT NULL,   -- input tokens of the call
    tier_to                   BIGINT,
    input_usd_per_mtok        DECIMAL(18, 12),   -- NULL: a call with such tokens cannot be priced
    cached_input_usd_per_mtok DECIMAL(18, 12),   -- NULL: billed as input
    cache_write_usd_per_mtok  DECIMAL(18, 12),   -- NULL: billed as input
    output_usd_per_mtok       DECIMAL(18, 12),   -- NULL: a call with such tokens cannot be priced
    reasoning_usd_per_mtok    DECIMAL(18, 12),   -- NULL: billed as output
    request_usd               DECIMAL(18, 12) NOT NULL,
    batch_factor              DOUBLE,            -- of a batch row: its price as a share of the one in real time
    context_window            BIGINT,            -- tokens that the model reads and writes at most
    service_tier              VARCHAR,           -- of the calls that the row is for; NULL: they name none
    -- NULL: billed as what they are part of, and the call is not fully priced
    cache_write_1h_usd_per_mtok DECIMAL(18, 12), -- of written tokens
    audio_input_usd_per_mtok  DECIMAL(18, 12),
    cached_audio_usd_per_mtok DECIMAL(18, 12),   -- of audio tokens that are cached
    image_input_usd_per_mtok  DECIMAL(18, 12),
    audio_output_usd_per_mtok DECIMAL(18, 12),
    image_output_usd_per_mtok DECIMAL(18, 12),
    web_search_usd            DECIMAL(18, 12),   -- of one search; NULL: not billed, and the call is not fully priced
    unpriced                  VARCHAR,           -- what of the calls the list has no price for: service_tier=flex,region=eu
    provider_assumed          BOOLEAN,           -- the price is that of the model wherever it is sold
    edition                   VARCHAR,           -- of the price book that the row belongs to
    currency                  VARCHAR,           -- of all prices of the row; NULL: USD, as their names say
    usd_rate                  DECIMAL(18, 12),   -- USD for one of `currency`; NULL: nobody gave a rate for these days
    hardware                  VARCHAR,           -- own hardware that is paid by the hour and runs the calls
    hour_price                DECIMAL(18, 12),   -- of all of that hardware
    concurrency               BIGINT             -- calls at once that make it fully busy
);
