-- Each row of new_attempts with its cost, by order of trust: the user's price, the cost on the span, the list price.
-- A span's cost of 0 says "not priced" in the clients that write it, so only a positive one counts.
-- A call of unknown time is priced only where its price never changed.
-- One list prices a call, `p`: the user's where it has prices for what the call has, else genai-prices'. Each token is
-- billed once: all at the price of input or output, then each part with a price of its own by the difference. Parts that
-- together exceed their whole, where they have such prices, leave the cost unknown, as contradicted tokens do.
WITH listed AS (
    SELECT
        a.*,
        u.model IS NOT NULL
            AND (u.input_usd_per_mtok IS NOT NULL OR coalesce(a.input_tokens, 0) = 0)
            AND (u.output_usd_per_mtok IS NOT NULL OR coalesce(a.output_tokens, 0) = 0) AS by_user,
        CASE WHEN by_user THEN u ELSE l END AS p,
        coalesce(u.context_window, l.context_window) AS context_window
    FROM new_attempts AS a
    LEFT JOIN prices AS u
        ON u.source = 'user' AND u.model = a.model_raw AND u.provider IS NOT DISTINCT FROM a.provider
        AND u.service_tier IS NOT DISTINCT FROM a.service_tier
        AND (u.mode IS NULL OR u.mode = CASE WHEN a.mode = 'batch' THEN 'batch' ELSE 'realtime' END)
        AND (u.valid_from IS NULL OR a.started_at >= u.valid_from) AND (u.valid_to IS NULL OR a.started_at < u.valid_to)
        AND (u.time_from IS NULL OR a.started_at::TIME >= u.time_from)
        AND (u.time_to IS NULL OR a.started_at::TIME < u.time_to)
        AND coalesce(a.input_tokens, 0) >= u.tier_from
        AND (u.tier_to IS NULL OR coalesce(a.input_tokens, 0) < u.tier_to)
    LEFT JOIN prices AS l
        ON l.source = 'genai-prices' AND l.model = a.model_raw AND l.provider IS NOT DISTINCT FROM a.provider
        AND l.service_tier IS NOT DISTINCT FROM a.service_tier
        AND (l.mode IS NULL OR l.mode = CASE WHEN a.mode = 'batch' THEN 'batch' ELSE 'realtime' END)
        AND (l.valid_from IS NULL OR a.started_at >= l.valid_from) AND (l.valid_to IS NULL OR a.started_at < l.valid_to)
        AND (l.time_from IS NULL OR a.started_at::TIME >= l.time_from)
        AND (l.time_to IS NULL OR a.started_at::TIME < l.time_to)
        AND coalesce(a.input_tokens, 0) >= l.tier_from
        AND (l.tier_to IS NULL OR coalesce(a.input_tokens, 0) < l.tier_to)
),
-- The parts that have prices of their own. What is heard or seen may be cached, too: where nobody says how much, it is
-- no more than the counts leave no other place for.
parted AS (
    SELECT
        *,
        coalesce(cache_write_tokens, cache_write_1h_tokens) AS written_tokens,
        p.input_usd_per_mtok AS input_price,
        p.output_usd_per_mtok AS output_price,
        coalesce(p.cached_input_usd_per_mtok, input_price) AS cached_price,
        coalesce(p.cache_write_usd_per_mtok, input_price) AS written_price,
        coalesce(p.audio_input_usd_per_mtok, input_price) AS audio_price,
        if(p.cached_input_usd_per_mtok IS NULL, 0, coalesce(cached_tokens, 0))::HUGEINT
            + if(p.cache_write_usd_per_mtok IS NULL, 0, coalesce(written_tokens, 0))
            + if(p.audio_input_usd_per_mtok IS NULL, 0, coalesce(audio_input_tokens, 0)) AS spoken_parts,
        p.image_input_usd_per_mtok <> input_price AS images_apart,
        if(p.reasoning_usd_per_mtok IS NULL, 0, coalesce(reasoning_tokens, 0))::HUGEINT
            + if(p.audio_output_usd_per_mtok IS NULL, 0, coalesce(audio_output_tokens, 0))
            + if(p.image_output_usd_per_mtok IS NULL, 0, coalesce(image_output_tokens, 0)) AS output_parts,
        CASE WHEN audio_input_tokens > 0 AND cached_tokens > 0 THEN
            coalesce(cached_audio_tokens, greatest(0, least(spoken_parts - input_tokens, cached_tokens, audio_input_tokens)))
        ELSE 0 END::BIGINT AS heard_before,
        CASE WHEN images_apart THEN
            greatest(0, coalesce(image_input_tokens, 0)
                - greatest(0, least(spoken_parts - heard_before + image_input_tokens - input_tokens, cached_tokens)))
        ELSE 0 END AS seen_first,
        spoken_parts - heard_before + seen_first AS input_parts,
        least(cached_tokens, written_tokens, audio_input_tokens, image_input_tokens, reasoning_tokens,
            audio_output_tokens, image_output_tokens, written_tokens - cache_write_1h_tokens, cache_write_1h_tokens,
            audio_input_tokens - heard_before, cached_tokens - heard_before, heard_before) < 0 AS impossible
    FROM listed
),
counted AS (
    SELECT
        *,
        CASE
            WHEN input_price IS NULL THEN CASE WHEN coalesce(input_tokens, 0) = 0 THEN 0 END
            WHEN input_tokens >= 0 AND input_parts <= input_tokens THEN input_tokens * input_price
                + part_cost(cached_tokens, p.cached_input_usd_per_mtok, input_price)
                + part_cost(written_tokens, p.cache_write_usd_per_mtok, input_price)
                + part_cost(cache_write_1h_tokens, p.cache_write_1h_usd_per_mtok, written_price)
                + part_cost(audio_input_tokens, p.audio_input_usd_per_mtok, input_price)
                + part_cost(heard_before, coalesce(p.cached_audio_usd_per_mtok, cached_price), cached_price)
                + part_cost(heard_before, input_price, audio_price)
                + part_cost(seen_first, p.image_input_usd_per_mtok, input_price)
        END AS input_cost,
        CASE
            WHEN output_price IS NULL THEN CASE WHEN coalesce(output_tokens, 0) = 0 THEN 0 END
            WHEN output_tokens >= 0 AND output_parts <= output_tokens THEN output_tokens * output_price
                + part_cost(reasoning_tokens, p.reasoning_usd_per_mtok, output_price)
                + part_cost(audio_output_tokens, p.audio_output_usd_per_mtok, output_price)
                + part_cost(image_output_tokens, p.image_output_usd_per_mtok, output_price)
        END AS output_cost,
        coalesce(web_searches * p.web_search_usd, 0) AS searches_usd
    FROM parted
),
costed AS (
    SELECT
        *,
        CASE
            WHEN token_counting = 'contradicted' THEN CASE WHEN input_price = 0 AND output_price = 0
                THEN call_cost(0, searches_usd + p.request_usd) END
            WHEN impossible IS NOT TRUE THEN call_cost(input_cost + output_cost, searches_usd + p.request_usd)
        END AS list_usd,
        CASE WHEN isfinite(span_cost_usd) AND span_cost_usd > 0 THEN TRY_CAST(span_cost_usd AS DECIMAL(18, 12)) END AS span_usd,
        CASE WHEN by_user THEN coalesce(list_usd, span_usd) ELSE coalesce(span_usd, list_usd) END AS cost_usd,
        CASE WHEN by_user AND list_usd IS NOT NULL THEN 'user' WHEN span_usd IS NOT NULL THEN 'span'
            WHEN list_usd IS NOT NULL THEN 'genai-prices' END AS cost_source,
        cost_usd IS NOT NULL AND cost_source <> 'span' AS by_list
    FROM counted
)
SELECT
    * EXCLUDE (by_user, p, input_price, output_price, cached_price, written_price, audio_price, written_tokens,
        spoken_parts, images_apart, seen_first, input_parts, output_parts, heard_before, impossible, input_cost,
        output_cost, searches_usd, list_usd, span_usd, by_list),
    -- parts of the cost, which no rounding makes larger than what is left of it
    CASE WHEN by_list THEN least(cost_usd, call_cost(coalesce(cached_tokens, 0) * cached_price
        + part_cost(heard_before, p.cached_audio_usd_per_mtok, cached_price), 0)) END AS cached_usd,
    CASE WHEN by_list THEN least(cost_usd - cached_usd, call_cost(output_cost, 0)) END AS output_usd,
    CASE WHEN by_list THEN least(output_usd, call_cost(
        coalesce(reasoning_tokens, 0) * coalesce(p.reasoning_usd_per_mtok, output_price), 0)) END AS reasoning_usd,
    CASE WHEN by_list THEN call_cost(coalesce(cached_tokens, 0) * (input_price - cached_price)
        + part_cost(heard_before, cached_price, p.cached_audio_usd_per_mtok)
        + part_cost(heard_before, audio_price, input_price), 0) END AS cache_saving_usd,
    CASE
        WHEN NOT by_list OR mode IS DISTINCT FROM 'batch' THEN NULL
        WHEN p.mode IS NULL THEN CASE WHEN cost_source = 'user' THEN 0 END  -- one price for both
        WHEN p.batch_factor > 0 THEN TRY_CAST(round_even((cost_usd - searches_usd)::DOUBLE / p.batch_factor, 12)
            AS DECIMAL(18, 12)) - (cost_usd - searches_usd)
    END AS batch_saving_usd,
    CASE WHEN by_list THEN nullif(concat_ws(',',
        p.unpriced,
        CASE WHEN mode = 'batch' AND p.mode IS NULL AND cost_source <> 'user' THEN 'mode=batch' END,
        CASE WHEN cache_write_1h_tokens > 0 AND p.cache_write_1h_usd_per_mtok IS NULL
            AND p.cache_write_usd_per_mtok IS NOT NULL THEN 'cache_write_1h' END,
        CASE WHEN audio_input_tokens > 0 AND p.audio_input_usd_per_mtok IS NULL THEN 'audio_input' END,
        CASE WHEN audio_input_tokens > 0 AND cached_tokens > 0 AND p.audio_input_usd_per_mtok IS NOT NULL
            AND (cached_audio_tokens IS NULL OR heard_before > 0 AND p.cached_audio_usd_per_mtok IS NULL) THEN 'cached_audio' END,
        CASE WHEN image_input_tokens > 0 AND p.image_input_usd_per_mtok IS NULL THEN 'image_input' END,
        CASE WHEN image_input_tokens > 0 AND cached_tokens > 0 AND images_apart THEN 'cached_image' END,
        CASE WHEN audio_output_tokens > 0 AND p.audio_output_usd_per_mtok IS NULL THEN 'audio_output' END,
        CASE WHEN image_output_tokens > 0 AND p.image_output_usd_per_mtok IS NULL THEN 'image_output' END,
        CASE WHEN web_searches > 0 AND p.web_search_usd IS NULL THEN 'web_search' END
    ), '') END AS unpriced_parts,
    CASE WHEN cost_source = 'genai-prices' AND p.provider_assumed THEN TRUE END AS provider_assumed
FROM costed
