-- new_attempts: one row a model call, with what is needed to price it and the request it belongs to.
CREATE OR REPLACE TEMP TABLE new_attempts AS
SELECT
    trace_hex(s.trace_id) || '-' || span_hex(s.span_id) AS attempt_id,
    told.request_trace,
    told.request_span,
    s.trace_id,
    s.span_id,
    s.start_ns,
    s.end_ns,
    s.started_at,
    s.duration_ms,
    s.ttft_ms,
    calls.purpose,
    -- Where lanes are assumed, the router's word for the request goes to the model that it tried first.
    CASE WHEN lanes_are_assumed() AND calls.purpose = 'user' AND s.model = first_value(s.model) OVER (
        PARTITION BY told.request_trace, told.request_span ORDER BY calls.purpose <> 'user', s.end_ns, s.start_ns, s.span_id
    ) THEN lane_of_word(facts.lane) END AS routed_lane,
    coalesce(lane_of_model(s.model), CASE WHEN NOT s.is_decision THEN lane_of_word(s.lane) END, routed_lane) AS said_lane,
    said_lane IS NULL AS lane_open,
    coalesce(said_lane, assumed_lane(s.model), 'unknown') AS lane,
    model_name(s.model) AS model,
    s.model AS model_raw,
    s.provider,
    s.finish,
    CASE WHEN s.status = 2 OR s.error_type IS NOT NULL OR s.is_failed_call THEN coalesce(s.error_type, 'error') END AS error_type,
    s.status = 2 OR s.error_type IS NOT NULL OR s.is_failed_call AS failed,
    CASE coalesce(s.gate_passed, told.evaluation_passed) WHEN TRUE THEN 'pass' WHEN FALSE THEN 'fail' END AS gate,
    NOT failed AND s.input_tokens = 0 AND coalesce(s.output_tokens, 0) = 0 AS unknown_usage,
    -- A call that succeeded read at least one token: two zeros are a client that did not know.
    CASE WHEN unknown_usage THEN NULL ELSE s.input_tokens END AS input_tokens,
    CASE WHEN unknown_usage THEN NULL ELSE s.cached_tokens END AS cached_tokens,
    s.cache_write_tokens,
    CASE WHEN unknown_usage THEN NULL ELSE s.output_tokens END AS output_tokens,
    CASE WHEN unknown_usage THEN NULL ELSE s.reasoning_tokens END AS reasoning_tokens,
    CASE WHEN $trust_spans THEN s.cost_usd END AS span_cost_usd,
    NOT failed OR coalesce(s.input_tokens, 0) + coalesce(s.output_tokens, 0) > 0 AS billable,
    s.context_system,
    s.context_retrieved,
    s.context_history,
    s.context_tools,
    s.answer_label,
    s.shadow_of,
    s.operation,
    s.service_tier,
    s.cache_write_1h_tokens,
    s.audio_input_tokens,
    s.audio_output_tokens,
    s.image_input_tokens,
    s.image_output_tokens,
    s.web_searches,
    coalesce(s.streamed, CASE WHEN s.ttft_ms IS NOT NULL THEN TRUE END) AS streamed,
    s.sampling_probability,
    coalesce(facts.mode, s.mode) AS mode,
    coalesce(facts.sample_rate, s.sample_rate) AS sample_rate
FROM calls
JOIN s ON s.trace_id = calls.trace_id AND s.span_id = calls.span_id
LEFT JOIN told ON told.trace_id = calls.trace_id AND told.span_id = calls.span_id AND NOT told.above
LEFT JOIN facts ON facts.request_trace = told.request_trace AND facts.request_span = told.request_span
WHERE NOT calls.cached;
