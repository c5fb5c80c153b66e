-- chosen: the requests of this step. loose: calls that belong to none.
CREATE OR REPLACE TEMP TABLE chosen AS
SELECT request_id, trace_id, span_id, cache, started_at FROM requests WHERE started_at >= $low AND started_at < $until;

-- new_attempts: all calls of these requests, with what the derivation hands to pricing. A call of a release that kept no
-- costs of spans has that which priced it.
CREATE OR REPLACE TEMP TABLE new_attempts AS
SELECT
    a.trace_id, a.span_id, a.started_at, a.duration_ms, a.purpose, a.lane, a.failed, a.billable,
    a.model, a.model_raw, a.provider, a.service_tier, a.mode, a.token_counting,
    a.input_tokens, a.cached_tokens, a.cache_write_tokens, a.cache_write_1h_tokens, a.audio_input_tokens,
    a.cached_audio_tokens, a.image_input_tokens,
    a.output_tokens, a.reasoning_tokens, a.audio_output_tokens, a.image_output_tokens, a.web_searches,
    coalesce(a.span_cost_usd, CASE WHEN a.cost_source = 'span' THEN a.cost_usd END) AS span_cost_usd,
    chosen.trace_id AS request_trace,
    chosen.span_id AS request_span,
    $edition AS price_edition
FROM attempts AS a
LEFT JOIN chosen ON chosen.span_id = a.request_span AND chosen.trace_id = coalesce(a.request_trace, a.trace_id)
WHERE a.started_at BETWEEN $first AND $last AND (a.started_at BETWEEN $near AND $far OR a.request_trace IS NOT NULL)
    AND (chosen.span_id IS NOT NULL OR (a.request_id IS NULL AND a.started_at >= $low AND a.started_at < $until));
