-- Each row of new_attempts with its cost, by order of trust: the user's price, the cost on the span, the list price.
-- A span's cost of 0 says "not priced" in the clients that write it, so only a positive one counts.
-- A call of unknown time is priced only where its price never changed.
-- Prices are those of the edition that the call is marked with: in derivation the one it had before, else that in force.
-- One list prices a call, `p`: the user's where it has prices for what the call has, else genai-prices'. Each token is
-- billed once: all at the price of input or output, then each part with a price of its own by the difference. Parts that
-- together exceed their whole, where they have such prices, leave the cost unknown, as contradicted tokens do.
-- Prices in another currency give an amount in it, and a cost where the user gave a rate for the day. What own hardware
-- runs owes its time there, whatever its tokens.
-- A step each, since a name that is used twice within one step is worked out twice.
WITH listed AS (
    SELECT
        a.*,
        coalesce(a.cache_write_tokens, a.cache_write_1h_tokens) AS written_tokens,
        CASE WHEN e.trusts_spans IS NOT FALSE AND isfinite(a.span_cost_usd) AND a.span_cost_usd > 0 THEN TRY_CAST(a.span_cost_usd AS DECIMAL(18, 12)) END AS span_usd,
        u.hour_price IS NOT NULL OR u.rowid IS NOT NULL
            AND (u.input_usd_per_mtok IS NOT NULL OR coalesce(a.input_tokens, 0) = 0)
            AND (u.output_usd_per_mtok IS NOT NULL OR coalesce(a.output_tokens, 0) = 0) AS by_user,
        u.rowid AS user_id,
        l.rowid AS list_id,
        coalesce(u.context_window, l.context_window) AS context_window
    FROM new_attempts AS a
    LEFT JOIN price_editions AS e ON e.edition = a.price_edition
    LEFT JOIN prices AS u
        ON u.source = 'user' AND u.edition = a.price_edition AND u.model = a.model_raw AND u.provider IS NOT DISTINCT FROM a.provider
        AND u.service_tier IS NOT DISTINCT FROM a.service_tier
        AND (u.mode IS NULL OR u.mode = CASE WHEN a.mode = 'batch' THEN 'batch' ELSE 'realtime' END)
        AND (u.valid_from IS NULL OR a.started_at >= u.valid_from) AND (u.valid_to IS NULL OR a.started_at < u.valid_to)
        AND (u.time_from IS NULL OR a.started_at::TIME >= u.time_from)
        AND (u.time_to IS NULL OR a.started_at::TIME < u.time_to)
        AND coalesce(a.input_tokens, 0) >= u.tier_from
        AND (u.tier_to IS NULL OR coalesce(a.input_tokens, 0) < u.tier_to)
    LEFT JOIN prices AS l
        ON l.source = 'genai-prices' AND l.edition = a.price_edition AND l.model = a.model_raw AND l.provider IS NOT DISTINCT FROM a.provider
        AND l.service_tier IS NOT DISTINCT FROM a.service_tier
        AND (l.mode IS NULL OR l.mode = CASE WHEN a.mode = 'batch' THEN 'batch' ELSE 'realtime' END)
        AND (l.valid_from IS NULL OR a.started_at >= l.valid_from) AND (l.valid_to IS NULL OR a.started_at < l.valid_to)
        AND (l.time_from IS NULL OR a.started_at::TIME >= l.time_from)
        AND (l.time_to IS NULL OR a.started_at::TIME < l.time_to)
        AND coalesce(a.input_tokens, 0) >= l.tier_from
        AND (l.tier_to IS NULL OR coalesce(a.input_tokens, 0) < l.tier_to)
),
-- The parts that have prices of their own.
parted AS (
    SELECT
        listed.*,
        p.* EXCLUDE (provider, model, source, edition, valid_from, valid_to, time_from, time_to, tier_from, tier_to, context_window,
            service_tier, mode),
        p.mode AS price_mode,
        coalesce(p.cached_input_usd_per_mtok, p.input_usd_per_mtok) AS cached_price,
        if(p.cached_input_usd_per_mtok IS NULL, 0, coalesce(cached_tokens, 0))::HUGEINT
            + if(p.cache_write_usd_per_mtok IS NULL, 0, coalesce(written_tokens, 0))
            + if(p.audio_input_usd_per_mtok IS NULL, 0, coalesce(audio_input_tokens, 0)) AS spoken_parts,
        p.image_input_usd_per_mtok <> p.input_usd_per_mtok AS images_apart,
        if(p.reasoning_usd_per_mtok IS NULL, 0, coalesce(reasoning_tokens, 0))::HUGEINT
            + if(p.audio_output_usd_per_mtok IS NULL, 0, coalesce(audio_output_tokens, 0))
            + if(p.image_output_usd_per_mtok IS NULL, 0, coalesce(image_output_tokens, 0)) AS output_parts
    FROM listed
    LEFT JOIN prices AS p ON p.rowid = CASE WHEN by_user THEN user_id ELSE list_id END
),
-- What is heard or seen may be cached, too: where nobody says how much, it is no more than the counts leave no other
-- place for.
heard AS (
    SELECT
        *,
        CASE WHEN audio_input_tokens > 0 AND cached_tokens > 0 THEN
            coalesce(cached_audio_tokens, greatest(0, least(spoken_parts - input_tokens, cached_tokens, audio_input_tokens)))
        ELSE 0 END::BIGINT AS heard_before
    FROM parted
),
seen AS (
    SELECT
        *,
        CASE WHEN images_apart THEN
            greatest(0, coalesce(image_input_tokens, 0)
                - greatest(0, least(spoken_parts - heard_before + image_input_tokens - input_tokens, cached_tokens)))
        ELSE 0 END AS seen_first,
        least(cached_tokens, written_tokens, audio_input_tokens, image_input_tokens, reasoning_tokens,
            audio_output_tokens, image_output_tokens, written_tokens - cache_write_1h_tokens, cache_write_1h_tokens,
            audio_input_tokens - heard_before, cached_tokens - heard_before, heard_before) < 0 AS impossible
    FROM heard
),
counted AS (
    SELECT
        *,
        CASE
            WHEN input_usd_per_mtok IS NULL THEN CASE WHEN coalesce(input_tokens, 0) = 0 THEN 0 END
            WHEN input_tokens >= 0 AND spoken_parts - heard_before + seen_first <= input_tokens THEN input_tokens * input_usd_per_mtok
                + part_cost(cached_tokens, cached_input_usd_per_mtok, input_usd_per_mtok)
                + part_cost(written_tokens, cache_write_usd_per_mtok, input_usd_per_mtok)
                + part_cost(cache_write_1h_tokens, cache_write_1h_usd_per_mtok, coalesce(cache_write_usd_per_mtok, input_usd_per_mtok))
                + part_cost(audio_input_tokens, audio_input_usd_per_mtok, input_usd_per_mtok)
                + part_cost(heard_before, coalesce(cached_audio_usd_per_mtok, cached_price), cached_price)
                + part_cost(heard_before, input_usd_per_mtok, coalesce(audio_input_usd_per_mtok, input_usd_per_mtok))
                + part_cost(seen_first, image_input_usd_per_mtok, input_usd_per_mtok)
        END AS input_cost,
        CASE
            WHEN output_usd_per_mtok IS NULL THEN CASE WHEN coalesce(output_tokens, 0) = 0 THEN 0 END
            WHEN output_tokens >= 0 AND output_parts <= output_tokens THEN output_tokens * output_usd_per_mtok
                + part_cost(reasoning_tokens, reasoning_usd_per_mtok, output_usd_per_mtok)
                + part_cost(audio_output_tokens, audio_output_usd_per_mtok, output_usd_per_mtok)
                + part_cost(image_output_tokens, image_output_usd_per_mtok, output_usd_per_mtok)
        END AS output_cost,
        coalesce(web_searches * web_search_usd, 0) AS searches_usd
    FROM seen
),
summed AS (
    SELECT
        *,
        CASE
            WHEN hour_price IS NOT NULL THEN busy_cost(round(duration_ms * 1e6), hour_price, concurrency)
            WHEN token_counting = 'contradicted' THEN CASE WHEN input_usd_per_mtok = 0 AND output_usd_per_mtok = 0
                THEN call_cost(0, searches_usd + request_usd) END
            WHEN impossible IS NOT TRUE THEN call_cost(input_cost + output_cost, searches_usd + request_usd)
        END AS list_amount
    FROM counted
),
converted AS (
    SELECT
        * REPLACE (
            in_usd(searches_usd, currency, usd_rate) AS searches_usd,
            CASE WHEN hour_price IS NULL AND (currency IS NULL OR usd_rate IS NOT NULL OR list_amount IS NULL) THEN span_usd END AS span_usd
        ),
        in_usd(list_amount, currency, usd_rate) AS list_usd,
        currency IS NOT NULL AND list_amount IS NOT NULL AND usd_rate IS NULL AS unconverted
    FROM summed
),
costed AS (
    SELECT
        *,
        CASE WHEN by_user THEN coalesce(list_usd, span_usd) ELSE coalesce(span_usd, list_usd) END AS cost_usd,
        CASE WHEN by_user AND list_usd IS NOT NULL THEN 'user' WHEN span_usd IS NOT NULL THEN 'span'
            WHEN list_usd IS NOT NULL THEN 'genai-prices' END AS cost_source,
        list_usd IS NOT NULL AND hour_price IS NULL AND (by_user OR span_usd IS NULL) AS by_list
    FROM converted
),
-- Parts of the cost, which no rounding makes larger than what is left of it.
cached_first AS (
    SELECT
        *,
        CASE WHEN by_list THEN least(cost_usd, in_usd(call_cost(coalesce(cached_tokens, 0) * cached_price
            + part_cost(heard_before, cached_audio_usd_per_mtok, cached_price), 0), currency, usd_rate)) END AS cached_usd
    FROM costed
),
output_then AS (
    SELECT *, CASE WHEN by_list THEN least(cost_usd - cached_usd, in_usd(call_cost(output_cost, 0), currency, usd_rate)) END AS output_usd
    FROM cached_first
)
SELECT
    * EXCLUDE (written_tokens, span_usd, by_user, user_id, list_id, by_list, list_usd, cached_price, spoken_parts, images_apart,
        output_parts, heard_before, seen_first, impossible, input_cost, output_cost, searches_usd, price_mode,
        input_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok, output_usd_per_mtok, reasoning_usd_per_mtok,
        request_usd, batch_factor, cache_write_1h_usd_per_mtok, audio_input_usd_per_mtok, cached_audio_usd_per_mtok,
        image_input_usd_per_mtok, audio_output_usd_per_mtok, image_output_usd_per_mtok, web_search_usd, unpriced, provider_assumed, list_amount, unconverted,
        usd_rate, hour_price, concurrency, currency, hardware),
    CASE WHEN list_amount IS NOT NULL THEN currency END AS currency,
    CASE WHEN currency IS NOT NULL THEN list_amount END AS cost_amount,
    hardware,
    CASE WHEN by_list THEN least(output_usd, in_usd(call_cost(
        coalesce(reasoning_tokens, 0) * coalesce(reasoning_usd_per_mtok, output_usd_per_mtok), 0), currency, usd_rate)) END AS reasoning_usd,
    CASE WHEN by_list THEN in_usd(call_cost(coalesce(cached_tokens, 0) * (input_usd_per_mtok - cached_price)
        + part_cost(heard_before, cached_price, cached_audio_usd_per_mtok)
        + part_cost(heard_before, coalesce(audio_input_usd_per_mtok, input_usd_per_mtok), input_usd_per_mtok), 0), currency, usd_rate) END AS cache_saving_usd,
    CASE
        WHEN NOT by_list OR mode IS DISTINCT FROM 'batch' THEN NULL
        WHEN price_mode IS NULL THEN CASE WHEN cost_source = 'user' THEN 0 END  -- one price for both
        WHEN batch_factor > 0 THEN TRY_CAST(round_even((cost_usd - searches_usd)::DOUBLE / batch_factor, 12)
            AS DECIMAL(18, 12)) - (cost_usd - searches_usd)
    END AS batch_saving_usd,
    CASE WHEN unconverted THEN 'currency=' || currency WHEN by_list THEN nullif(concat_ws(',',
        unpriced,
        CASE WHEN mode = 'batch' AND price_mode IS NULL AND cost_source <> 'user' THEN 'mode=batch' END,
        CASE WHEN cache_write_1h_tokens > 0 AND cache_write_1h_usd_per_mtok IS NULL
            AND cache_write_usd_per_mtok IS NOT NULL THEN 'cache_write_1h' END,
        CASE WHEN audio_input_tokens > 0 AND audio_input_usd_per_mtok IS NULL THEN 'audio_input' END,
        CASE WHEN audio_input_tokens > 0 AND cached_tokens > 0 AND audio_input_usd_per_mtok IS NOT NULL
            AND (cached_audio_tokens IS NULL OR heard_before > 0 AND cached_audio_usd_per_mtok IS NULL) THEN 'cached_audio' END,
        CASE WHEN image_input_tokens > 0 AND image_input_usd_per_mtok IS NULL THEN 'image_input' END,
        CASE WHEN image_input_tokens > 0 AND cached_tokens > 0 AND images_apart THEN 'cached_image' END,
        CASE WHEN audio_output_tokens > 0 AND audio_output_usd_per_mtok IS NULL THEN 'audio_output' END,
        CASE WHEN image_output_tokens > 0 AND image_output_usd_per_mtok IS NULL THEN 'image_output' END,
        CASE WHEN web_searches > 0 AND web_search_usd IS NULL THEN 'web_search' END
    ), '') END AS unpriced_parts,
    CASE WHEN cost_source = 'genai-prices' AND provider_assumed THEN TRUE END AS provider_assumed
FROM output_then
