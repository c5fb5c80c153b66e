-- Each row of new_attempts with its cost, by order of trust: the user's price, the cost on the span, the list price.
-- A span's cost of 0 says "not priced" in the clients that write it, so only a positive one counts.
-- A call of unknown time is priced only where its price never changed.
SELECT
    * EXCLUDE (user_usd, span_usd, listed_usd, fresh, cached, written, reasoned, batch_only, batch_factor),
    coalesce(user_usd, span_usd, listed_usd) AS cost_usd,
    CASE
        WHEN user_usd IS NOT NULL THEN 'user'
        WHEN span_usd IS NOT NULL THEN 'span'
        WHEN listed_usd IS NOT NULL THEN 'genai-prices'
    END AS cost_source,
    CASE WHEN cost_source <> 'span' THEN part_cost(coalesce(cached_tokens, 0), coalesce(cached, fresh)) END AS cached_usd,
    CASE WHEN cost_source <> 'span' THEN call_cost(tokens_cost(output_tokens, reasoning_tokens, NULL::BIGINT,
        written, reasoned, NULL::DECIMAL(18, 12)), 0, 0) END AS output_usd,
    CASE WHEN cost_source <> 'span' THEN part_cost(coalesce(reasoning_tokens, 0), coalesce(reasoned, written)) END AS reasoning_usd,
    CASE WHEN cost_source <> 'span' THEN part_cost(coalesce(cached_tokens, 0), fresh - coalesce(cached, fresh)) END AS cache_saving_usd,
    CASE
        WHEN cost_source = 'span' OR cost_source IS NULL OR mode IS DISTINCT FROM 'batch' THEN NULL
        WHEN NOT batch_only THEN 0  -- one price for both
        WHEN batch_factor > 0 THEN TRY_CAST(round_even(cost_usd::DOUBLE / batch_factor, 12) AS DECIMAL(18, 12)) - cost_usd
    END AS batch_saving_usd
FROM (
    SELECT
        a.*,
        call_cost(
            tokens_cost(a.input_tokens, a.cached_tokens, a.cache_write_tokens,
                u.input_usd_per_mtok, u.cached_input_usd_per_mtok, u.cache_write_usd_per_mtok),
            tokens_cost(a.output_tokens, a.reasoning_tokens, NULL::BIGINT,
                u.output_usd_per_mtok, u.reasoning_usd_per_mtok, NULL::DECIMAL(18, 12)),
            u.request_usd) AS user_usd,
        CASE WHEN isfinite(a.span_cost_usd) AND a.span_cost_usd > 0
            THEN TRY_CAST(a.span_cost_usd AS DECIMAL(18, 12)) END AS span_usd,
        call_cost(
            tokens_cost(a.input_tokens, a.cached_tokens, a.cache_write_tokens,
                l.input_usd_per_mtok, l.cached_input_usd_per_mtok, l.cache_write_usd_per_mtok),
            tokens_cost(a.output_tokens, a.reasoning_tokens, NULL::BIGINT,
                l.output_usd_per_mtok, l.reasoning_usd_per_mtok, NULL::DECIMAL(18, 12)),
            l.request_usd) AS listed_usd,
        -- of the list that made the cost
        CASE WHEN user_usd IS NULL THEN l.input_usd_per_mtok ELSE u.input_usd_per_mtok END AS fresh,
        CASE WHEN user_usd IS NULL THEN l.cached_input_usd_per_mtok ELSE u.cached_input_usd_per_mtok END AS cached,
        CASE WHEN user_usd IS NULL THEN l.output_usd_per_mtok ELSE u.output_usd_per_mtok END AS written,
        CASE WHEN user_usd IS NULL THEN l.reasoning_usd_per_mtok ELSE u.reasoning_usd_per_mtok END AS reasoned,
        CASE WHEN user_usd IS NULL THEN l.mode = 'batch' ELSE u.mode = 'batch' END IS TRUE AS batch_only,
        CASE WHEN user_usd IS NULL THEN l.batch_factor ELSE u.batch_factor END AS batch_factor,
        coalesce(u.context_window, l.context_window) AS context_window
    FROM new_attempts AS a
    LEFT JOIN prices AS u
        ON u.source = 'user' AND u.model = a.model_raw AND u.provider IS NOT DISTINCT FROM a.provider
        AND (u.mode IS NULL OR u.mode = CASE WHEN a.mode = 'batch' THEN 'batch' ELSE 'realtime' END)
        AND (u.valid_from IS NULL OR a.started_at >= u.valid_from) AND (u.valid_to IS NULL OR a.started_at < u.valid_to)
        AND (u.time_from IS NULL OR a.started_at::TIME >= u.time_from)
        AND (u.time_to IS NULL OR a.started_at::TIME < u.time_to)
        AND coalesce(a.input_tokens, 0) >= u.tier_from
        AND (u.tier_to IS NULL OR coalesce(a.input_tokens, 0) < u.tier_to)
    LEFT JOIN prices AS l
        ON l.source = 'genai-prices' AND l.model = a.model_raw AND l.provider IS NOT DISTINCT FROM a.provider
        AND (l.mode IS NULL OR l.mode = CASE WHEN a.mode = 'batch' THEN 'batch' ELSE 'realtime' END)
        AND (l.valid_from IS NULL OR a.started_at >= l.valid_from) AND (l.valid_to IS NULL OR a.started_at < l.valid_to)
        AND (l.time_from IS NULL OR a.started_at::TIME >= l.time_from)
        AND (l.time_to IS NULL OR a.started_at::TIME < l.time_to)
        AND coalesce(a.input_tokens, 0) >= l.tier_from
        AND (l.tier_to IS NULL OR coalesce(a.input_tokens, 0) < l.tier_to)
)
