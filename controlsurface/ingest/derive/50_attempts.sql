-- new_attempts: one row a model call, with what is needed to price it and the request it belongs to. What is only handed
-- on is read from the spans once the rows are stored.
CREATE OR REPLACE TEMP TABLE new_attempts AS
SELECT
    coalesce(shadowing.request.request_trace, told.request_trace) AS request_trace,
    coalesce(shadowing.request.request_span, told.request_span) AS request_span,
    s.trace_id,
    s.span_id,
    s.start_ns,
    s.end_ns,
    s.started_at,
    s.duration_ms,
    s.ttft_ms,
    calls.purpose,
    calls.model_raw,
    CASE WHEN lanes_are_assumed() AND calls.purpose = 'user' AND s.model = coalesce(tried_first.model, s.model)
        THEN lane_of_word(facts.lane) END AS routed_lane,
    coalesce(calls.configured_lane, CASE WHEN NOT s.is_decision THEN calls.word_lane END, routed_lane) AS said_lane,
    said_lane IS NULL AS lane_open,
    answering.span_id IS NOT NULL AS speaks,
    -- the router's word for the request is one for the call that answered it, where its model has no lane
    coalesce(said_lane, calls.assumed_lane, CASE WHEN speaks AND NOT calls.failed THEN router_word.lane END, 'unknown') AS lane,
    calls.model,
    s.provider,
    CASE WHEN calls.failed THEN coalesce(s.error_type, 'error') END AS error_type,
    calls.failed,
    CASE coalesce(s.gate_passed, told.evaluation_passed) WHEN TRUE THEN 'pass' WHEN FALSE THEN 'fail' END AS gate,
    usage.input_tokens,
    usage.cached_tokens,
    usage.cache_write_tokens,
    usage.output_tokens,
    usage.reasoning_tokens,
    usage.cache_write_1h_tokens,
    usage.audio_input_tokens,
    usage.audio_output_tokens,
    usage.cached_audio_tokens,
    usage.image_input_tokens,
    usage.image_output_tokens,
    usage.web_searches,
    usage.has_usage,
    usage.token_counting,
    usage.cost_usd AS span_cost_usd,
    coalesce(priced_before.edition, $edition) AS price_edition,
    NOT calls.failed OR coalesce(usage.input_tokens, 0) + coalesce(usage.output_tokens, 0) > 0 AS billable,
    s.operation,
    service_tier_of(s.service_tier) AS service_tier,
    coalesce(facts.mode, s.mode, CASE WHEN lower(s.service_tier) = 'batch' THEN 'batch' END) AS mode,
    coalesce(facts.sample_rate, s.sample_rate) AS sample_rate
FROM calls
JOIN s ON s.trace_id = calls.trace_id AND s.span_id = calls.span_id
JOIN usage ON usage.trace_id = calls.trace_id AND usage.span_id = calls.span_id
LEFT JOIN priced_before ON priced_before.trace_id = calls.trace_id AND priced_before.span_id = calls.span_id
LEFT JOIN told ON told.trace_id = calls.trace_id AND told.span_id = calls.span_id AND NOT told.above
LEFT JOIN shadowing ON shadowing.trace_id = calls.trace_id AND shadowing.span_id = calls.span_id
LEFT JOIN answering ON answering.trace_id = calls.trace_id AND answering.span_id = calls.span_id
LEFT JOIN facts
    ON facts.request_trace = coalesce(shadowing.request.request_trace, told.request_trace)
    AND facts.request_span = coalesce(shadowing.request.request_span, told.request_span)
LEFT JOIN tried_first
    ON tried_first.request_trace = facts.request_trace AND tried_first.request_span = facts.request_span
LEFT JOIN router_word
    ON router_word.request_trace = facts.request_trace AND router_word.request_span = facts.request_span
WHERE NOT calls.cached;
