-- new_requests: one row a unit, from its facts and its priced attempts.
CREATE OR REPLACE TEMP TABLE tried AS
SELECT
    request_trace, request_span, trace_id, span_id, start_ns, end_ns, model, provider, lane, gate, ttft_ms, error_type, failed, speaks,
    input_tokens, cached_tokens, output_tokens, reasoning_tokens,
    lag(failed) OVER in_order AS previous_failed,
    lag(model) OVER in_order AS previous_model,
    -- the same model failed, or failed its gate, before this call began, whatever came between
    coalesce(start_ns >= min(end_ns) FILTER (WHERE failed OR gate = 'fail') OVER before_it, FALSE) AS is_retry
FROM priced
WHERE purpose = 'user' AND request_span IS NOT NULL
WINDOW
    in_order AS (PARTITION BY request_trace, request_span ORDER BY end_ns, start_ns, trace_id, span_id),
    before_it AS (
        PARTITION BY request_trace, request_span, model ORDER BY end_ns, start_ns, trace_id, span_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    );

CREATE OR REPLACE TEMP TABLE answer AS
SELECT * FROM tried WHERE speaks;

CREATE OR REPLACE TEMP TABLE tries AS
SELECT
    tried.request_trace,
    tried.request_span,
    count(*) AS attempts,
    min(tried.start_ns) AS first_start_ns,
    count(*) FILTER (WHERE tried.failed) AS failed_attempts,
    count(*) FILTER (WHERE tried.is_retry) AS retries,
    coalesce(bool_or(tried.previous_failed AND tried.model IS DISTINCT FROM tried.previous_model), FALSE) AS fell_back,
    -- what a smaller lane did before the answer came
    arg_max(CASE WHEN tried.failed THEN 'failed' ELSE 'answered' END, (tried.end_ns, tried.trace_id, tried.span_id))
        FILTER (WHERE NOT tried.speaks AND tried.end_ns <= answer.end_ns AND escalates(tried.lane) IS NOT TRUE) AS smaller,
    coalesce(bool_or(tried.gate = 'fail') FILTER (WHERE NOT tried.speaks), FALSE) AS gate_failed,
    CASE WHEN bool_or(NOT tried.failed AND tried.input_tokens IS NULL) THEN NULL ELSE sum(tried.input_tokens) END AS input_tokens,
    CASE WHEN bool_or(NOT tried.failed AND tried.input_tokens IS NULL) THEN NULL ELSE sum(tried.cached_tokens) END AS cached_tokens,
    CASE WHEN bool_or(NOT tried.failed AND tried.output_tokens IS NULL) THEN NULL ELSE sum(tried.output_tokens) END AS output_tokens,
    CASE WHEN bool_or(NOT tried.failed AND tried.output_tokens IS NULL) THEN NULL ELSE sum(tried.reasoning_tokens) END AS reasoning_tokens
FROM tried
JOIN answer ON answer.request_trace = tried.request_trace AND answer.request_span = tried.request_span
GROUP BY tried.request_trace, tried.request_span;

CREATE OR REPLACE TEMP TABLE overhead AS
SELECT request_trace, request_span, count(*) AS calls
FROM priced
WHERE purpose <> 'user' AND request_span IS NOT NULL
GROUP BY request_trace, request_span;

CREATE OR REPLACE TEMP TABLE new_requests AS
WITH joined AS (
    SELECT
        facts.*,
        hits.cache_layers,
        coalesce(tries.attempts, 0) AS attempts,
        coalesce(tries.failed_attempts, 0) AS failed_attempts,
        coalesce(tries.retries, 0) AS retries,
        coalesce(tries.fell_back, FALSE) OR facts.fell_back AS any_fell_back,
        tries.smaller,
        CASE WHEN tries.first_start_ns >= facts.routing_start_ns
            THEN (tries.first_start_ns - facts.routing_start_ns) / 1e6 END AS routing_ms,
        coalesce(tries.gate_failed, FALSE) AS gate_failed,
        coalesce(overhead.calls, 0) AS overhead_calls,
        coalesce(costs.priced, TRUE) AS priced,
        tries.input_tokens, tries.cached_tokens, tries.output_tokens, tries.reasoning_tokens,
        costs.* EXCLUDE (request_trace, request_span, priced),
        answer.model, answer.provider, answer.ttft_ms, answer.gate AS answer_gate, answer.lane AS answer_lane,
        answer.error_type AS answer_error, answer.failed AS answer_failed,
        -- a cache answered where it had an answer, and no call gave one
        CASE
            WHEN facts.status = 2 OR answer.failed IS FALSE THEN NULL
            WHEN hits.answering_layer IS NOT NULL THEN hits.answering_layer
            WHEN answer.span_id IS NULL AND facts.cache_asked AND hits.cache_layers IS NULL THEN 'hit'
        END AS answering_cache,
        lane_of_word(facts.lane) AS said_lane,
        lower(model_name(facts.selected_model)) AS selected_name
    FROM facts
    LEFT JOIN tries USING (request_trace, request_span)
    LEFT JOIN overhead USING (request_trace, request_span)
    LEFT JOIN request_costs AS costs USING (request_trace, request_span)
    LEFT JOIN answer USING (request_trace, request_span)
    LEFT JOIN hits USING (request_trace, request_span)
),
chosen AS (
    SELECT
        *,
        answering_cache IS NOT NULL AS is_cached,
        status = 2 OR (coalesce(answer_failed, FALSE) AND answering_cache IS NULL) AS is_failed,
        coalesce(said_lane, lane_of_name(selected_name), assumed_lane_of_name(selected_name)) AS selected_lane
    FROM joined
),
laned AS (
    SELECT
        *,
        CASE
            WHEN is_cached THEN 'cache'
            WHEN escalated AND escalates(said_lane) THEN said_lane  -- the router's own word for "I escalated to there"
            ELSE coalesce(nullif(answer_lane, 'unknown'), selected_lane, 'unknown')
        END AS final_lane
    FROM chosen
),
escalation AS (
    SELECT *, coalesce(escalates(final_lane), escalated) AS is_escalated FROM laned
)
SELECT
    coalesce(request_id, trace_hex(request_trace) || '-' || span_hex(request_span)) AS request_id,
    request_trace AS trace_id,
    request_span AS span_id,
    session_id,
    started_at,
    coalesce(linked_duration_ms, own_duration_ms) AS duration_ms,
    ttft_ms,
    routing_ms,
    task_type,
    router,
    router_version,
    reason,
    on_scale(confidence, confidence_kind) AS confidence,
    CASE WHEN confidence IS NOT NULL THEN coalesce(confidence_kind, 'probability') END AS confidence_kind,
    confidence AS confidence_raw,
    threshold,
    requested_model,
    selected_model,
    selected_lane,
    CASE WHEN NOT is_failed AND NOT is_cached THEN model END AS answered_by,
    provider,
    final_lane AS lane,
    is_escalated AS escalated,
    CASE
        WHEN is_escalated IS NOT TRUE THEN NULL
        WHEN smaller = 'failed' THEN 'fallback'
        WHEN smaller = 'answered' THEN 'cascaded'
        WHEN any_fell_back OR escalation_reason = 'error' THEN 'fallback'
        ELSE 'routed'
    END AS escalation_kind,
    CASE
        WHEN escalation_kind IS NULL THEN NULL
        WHEN escalation_reason IS NOT NULL THEN escalation_reason
        WHEN escalation_kind = 'fallback' THEN 'error'
        WHEN gate_failed THEN 'quality_gate'
        WHEN is_unsure(confidence, confidence_kind, threshold) THEN 'low_confidence'
    END AS escalation_reason,
    attempts,
    failed_attempts,
    attempts + overhead_calls AS steps,
    retries,
    any_fell_back AS fell_back,
    answering_cache AS cache,
    coalesce(cache_layers, answering_cache) AS cache_layers,
    mode,
    coalesce(answer_gate, CASE gate_passed WHEN TRUE THEN 'pass' WHEN FALSE THEN 'fail' END) AS gate,
    CASE WHEN is_failed THEN coalesce(answer_error, error_type, 'error') END AS error_type,
    is_failed AS failed,
    CASE WHEN is_cached THEN coalesce(input_tokens, 0) ELSE input_tokens END AS input_tokens,
    cached_tokens,
    CASE WHEN is_cached THEN coalesce(output_tokens, 0) ELSE output_tokens END AS output_tokens,
    reasoning_tokens,
    CASE WHEN is_cached AND priced THEN coalesce(cost_usd, 0) ELSE cost_usd END AS cost_usd,
    overhead_usd,
    CASE WHEN is_cached AND priced THEN coalesce(cost_source, 'cache') ELSE cost_source END AS cost_source,
    priced,
    own_large_usd, own_small_usd, shadow_large_usd, shadow_small_usd,
    tenant, team, job, job_run, user_id, environment, service,
    CAST(NULL AS VARCHAR) AS architecture,  -- once the limits on values are held: `label_architectures`
    weight_of(sample_rate) AS sample_weight
FROM escalation;
