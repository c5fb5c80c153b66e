-- From dice to traffic: what is asked, where it is sent, which calls are made, what comes back.
CREATE TEMP TABLE asked AS
SELECT
    i, started_at, sample_weight, task, u0, u1, u2, u3, u4, u5, u6, u7, u8, u9,
    u20, u21, u22, u23, u24, u25, u26, u27, u28, u29, u30, u31, g0, g1, g2, g3, g4, g5, g6, g7,
    -- one trace in twenty holds two requests, as an agent's does
    CASE WHEN u0 < 0.05 THEN coalesce(lag(high) OVER (ORDER BY i), high) ELSE high END AS trace_high,
    CASE WHEN u0 < 0.05 THEN coalesce(lag(low) OVER (ORDER BY i), low) ELSE low END AS trace_low,
    CAST(low // 16 * 16 AS UBIGINT) AS span_id,
    CASE WHEN u1 >= 0.04 THEN ['classification', 'extraction', 'rag_answer', 'summarise', 'code', 'chat'][task + 1] END AS task_type,
    u2 >= 0.03 AS routed,
    CASE WHEN u2 >= 0.03 THEN CASE WHEN u3 < 0.7 THEN 'gatekeeper' ELSE 'semantic' END END AS router,
    CASE WHEN u2 >= 0.03 AND u4 >= 0.05 THEN CASE WHEN i * 2 < (SELECT count(*) FROM dice) THEN 'v1' ELSE 'v2' END END AS router_version,
    CASE WHEN u2 >= 0.03 AND u5 >= 0.05 THEN least(certainty, 1) END AS certain,
    CASE WHEN u3 < 0.7 THEN 'probability' ELSE 'cosine' END AS kind,
    CASE WHEN u2 >= 0.03 AND u6 >= 0.04 THEN [0.60, 0.65, 0.70, 0.70, 0.75, 0.65][task + 1] END AS threshold,
    CASE WHEN u7 < 0.05 THEN ['exact', 'semantic'][1 + CAST(floor(u8 * 2) AS INTEGER)] END AS cache,
    u9 < 0.02 AS mystery
FROM dice;

CREATE TEMP TABLE sent AS
SELECT
    *,
    CAST(printf('%016x%016x', trace_high, trace_low) AS UUID) AS trace_id,
    certain IS NULL AND u20 < 0.2 OR coalesce(certain < threshold, false) AS sent_up,
    CASE
        WHEN mystery THEN 'unknown'
        WHEN certain IS NULL AND u20 < 0.2 OR coalesce(certain < threshold, false) THEN 'large'
        ELSE 'small'
    END AS selected_lane
FROM asked;

CREATE TEMP TABLE tried AS
SELECT
    *,
    CASE WHEN i % 2 = 0 THEN 'req-' || i ELSE trace_hex(trace_id) || '-' || span_hex(span_id) END AS request_id,
    CASE selected_lane
        WHEN 'small' THEN ['slm-7b', 'phi-4-mini'][1 + CAST(floor(u21 * 2) AS INTEGER)]
        WHEN 'large' THEN ['gpt-5', 'claude-opus-5'][1 + CAST(floor(u21 * 2) AS INTEGER)]
        ELSE 'mystery-1'
    END AS first_model,
    ['gpt-5', 'claude-opus-5'][1 + CAST(floor(u22 * 2) AS INTEGER)] AS second_model,
    u23 < 0.04 AS first_fails,
    CASE WHEN selected_lane = 'small' AND u23 >= 0.04 AND u24 < 0.6 THEN CASE WHEN u24 < 0.05 THEN 'fail' ELSE 'pass' END END AS first_gate
FROM sent;

CREATE TEMP TABLE calls AS
SELECT *, 0 AS step, 'classifier' AS purpose, 'slm-7b' AS call_model, 'small' AS lane, false AS failed, NULL AS gate
FROM tried WHERE routed AND u25 < 0.3
UNION ALL
SELECT *, 1, 'user', first_model, selected_lane, first_fails, first_gate FROM tried WHERE cache IS NULL
UNION ALL  -- the same model again
SELECT *, 2, 'user', first_model, selected_lane, u27 < 0.3, NULL FROM tried WHERE cache IS NULL AND first_fails AND u26 < 0.5
UNION ALL  -- another model, because a call failed or an answer was not good enough
SELECT *, 3, 'user', second_model, 'large', u28 < 0.05, NULL
FROM tried
WHERE cache IS NULL AND (first_gate = 'fail' OR (first_fails AND u26 >= 0.5 AND u26 < 0.9))
UNION ALL
SELECT *, 4, 'shadow', second_model, 'large', u28 < 0.05, NULL FROM tried WHERE cache IS NULL AND u29 < 0.01;

CREATE TEMP TABLE attempted AS
WITH measured AS (
    SELECT
        *,
        CASE WHEN hash(i, step, 'usage') % 100 >= 2 AND NOT (failed AND u30 < 0.7) THEN CAST(exp(6 + 0.8 * g0) AS BIGINT) END AS input_tokens,
        CASE WHEN NOT failed AND hash(i, step, 'usage') % 100 >= 4 THEN CAST(exp(4.5 + 0.9 * g1) AS BIGINT) END AS output_tokens,
        CASE WHEN call_model <> 'mystery-1' AND hash(i, step, 'price') % 100 >= 1 THEN ['user', 'span', 'genai-prices'][1 + CAST(floor(u31 * 3) AS INTEGER)] END AS source,
        CASE lane WHEN 'small' THEN [0.10, 0.40] ELSE [3.00, 15.00] END AS price,
        CASE lane WHEN 'small' THEN exp(5 + 0.5 * g2) ELSE exp(7.2 + 0.6 * g3) END AS took_ms
    FROM calls
), counted AS (
    SELECT
        *,
        coalesce(sum(took_ms) OVER (PARTITION BY i ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) + 2 AS after_ms,
        CASE WHEN u30 < 0.5 THEN input_tokens // 2 END AS cached_tokens,
        CASE WHEN lane = 'large' AND u29 < 0.4 THEN output_tokens // 3 END AS reasoning_tokens,
        CASE WHEN source IS NOT NULL THEN CAST((input_tokens * price[1] + output_tokens * price[2]) / 1e6 AS DECIMAL(18, 12)) END AS cost_usd
    FROM measured
)
SELECT
    trace_hex(trace_id) || '-' || span_hex(span_id + step + 1) AS attempt_id, request_id, trace_id, span_id + step + 1 AS span_id,
    CASE WHEN hash(i, step, 'start') % 1000 >= 2 THEN started_at + to_microseconds(CAST(after_ms * 1000 AS BIGINT)) END AS started_at,
    CASE WHEN hash(i, step, 'end') % 1000 >= 5 THEN took_ms END AS duration_ms,
    CASE WHEN NOT failed AND u27 < 0.8 THEN CASE lane WHEN 'small' THEN exp(3.5 + 0.4 * g4) ELSE exp(5.8 + 0.5 * g5) END END AS ttft_ms,
    CASE WHEN u27 < 0.9 THEN u27 < 0.6 END AS streamed,
    purpose, lane,
    CASE WHEN call_model <> 'mystery-1' OR u29 < 0.6 THEN call_model END AS model,
    CASE WHEN u28 < 0.5 THEN model || '-2026-01-01' ELSE model END AS model_raw,
    CASE call_model WHEN 'gpt-5' THEN 'openai' WHEN 'claude-opus-5' THEN 'anthropic' WHEN 'mystery-1' THEN NULL ELSE 'vllm' END AS provider,
    CASE WHEN NOT failed AND u24 < 0.95 THEN 'stop' END AS finish,
    CASE WHEN failed THEN ['timeout', 'rate_limit', 'server_error'][1 + CAST(floor(u22 * 3) AS INTEGER)] END AS error_type,
    failed, gate, input_tokens, cached_tokens, CASE WHEN u30 < 0.1 THEN input_tokens // 4 END AS cache_write_tokens,
    output_tokens, reasoning_tokens, cost_usd,
    CASE WHEN source <> 'span' THEN CAST(0.1 * price[1] * coalesce(cached_tokens, 0) / 1e6 AS DECIMAL(18, 12)) END AS cached_usd,
    CASE WHEN source <> 'span' THEN CAST(price[2] * output_tokens / 1e6 AS DECIMAL(18, 12)) END AS output_usd,
    CASE WHEN source <> 'span' THEN CAST(price[2] * coalesce(reasoning_tokens, 0) / 1e6 AS DECIMAL(18, 12)) END AS reasoning_usd,
    CASE WHEN source <> 'span' THEN CAST(0.9 * price[1] * coalesce(cached_tokens, 0) / 1e6 AS DECIMAL(18, 12)) END AS cache_saving_usd,
    CASE WHEN source <> 'span' AND u28 < 0.9 AND u29 > 0.85 THEN cost_usd END AS batch_saving_usd,
    CASE lane WHEN 'small' THEN 1600 WHEN 'large' THEN 128000 END AS context_window,
    CASE WHEN u28 < 0.7 THEN input_tokens // 5 END AS context_system,
    CASE WHEN u28 < 0.7 THEN input_tokens // 2 END AS context_retrieved,
    CASE WHEN u28 < 0.7 THEN input_tokens // 4 END AS context_history,
    CASE WHEN u28 < 0.7 THEN input_tokens - input_tokens // 5 - input_tokens // 2 - input_tokens // 4 END AS context_tools,
    CASE WHEN cost_usd IS NOT NULL THEN source END AS cost_source,
    NOT failed OR input_tokens IS NOT NULL AS billable,
    CASE WHEN u29 < 0.05 THEN CASE WHEN (u22 < 0.5) = (step = 4 AND u27 < 0.2) THEN 'yes' ELSE 'no' END END AS answer_label,
    CASE WHEN u27 < 0.95 THEN 'chat' END AS operation,
    CASE WHEN u28 < 0.99 THEN input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR source = 'span' END AS has_usage,
    CASE WHEN cached_tokens > 0 THEN ['total', 'assumed'][1 + CAST(u28 < 0.5 AS INTEGER)] END AS token_counting,
    CASE WHEN u24 < 0.05 THEN 'flex' END AS service_tier,
    CASE WHEN u30 < 0.05 THEN input_tokens // 8 END AS cache_write_1h_tokens,
    CASE WHEN u29 < 0.1 THEN input_tokens // 3 END AS audio_input_tokens,
    CASE WHEN u29 < 0.1 AND u30 < 0.5 THEN input_tokens // 6 END AS cached_audio_tokens,
    CASE WHEN u29 < 0.05 THEN input_tokens // 3 END AS image_input_tokens,
    CASE WHEN u29 < 0.1 THEN output_tokens // 3 END AS audio_output_tokens,
    CASE WHEN u29 < 0.05 THEN output_tokens // 3 END AS image_output_tokens,
    CASE WHEN u24 < 0.1 THEN 1 END AS web_searches,
    CASE WHEN cost_usd IS NULL AND u28 < 0.5 THEN 'audio_input' END AS unpriced_parts,
    CASE WHEN cost_usd IS NOT NULL THEN u24 < 0.02 END AS provider_assumed,
    CASE WHEN purpose = 'shadow' THEN request_id END AS shadow_of,
    CASE WHEN purpose = 'shadow' AND u26 < 0.9 THEN CASE WHEN u26 < 0.4 THEN 0.01 ELSE 0.05 END END AS sampling_probability,
    sample_weight
FROM counted;

INSERT INTO requests BY NAME
WITH totals AS (
    SELECT
        request_id,
        count(*) FILTER (purpose = 'user') AS attempts,
        count(*) FILTER (purpose = 'user' AND failed) AS failed_attempts,
        count(*) AS steps,
        count(DISTINCT model) FILTER (purpose = 'user') AS models,
        max_by(lane, span_id) FILTER (purpose = 'user') AS lane,
        max_by(model, span_id) FILTER (purpose = 'user' AND NOT failed) AS model,
        max_by(provider, span_id) FILTER (purpose = 'user') AS provider,
        max_by(failed, span_id) FILTER (purpose = 'user') AS failed,
        max_by(error_type, span_id) FILTER (purpose = 'user' AND failed) AS error_type,
        max_by(gate, span_id) FILTER (purpose = 'user' AND gate IS NOT NULL) AS gate,
        max_by(ttft_ms, span_id) FILTER (purpose = 'user' AND ttft_ms IS NOT NULL) AS ttft_ms,
        sum(duration_ms) FILTER (purpose <> 'shadow') AS duration_ms,
        count(*) FILTER (purpose <> 'shadow' AND duration_ms IS NULL) AS untimed,
        sum(input_tokens) FILTER (purpose = 'user') AS input_tokens,
        sum(cached_tokens) FILTER (purpose = 'user') AS cached_tokens,
        sum(output_tokens) FILTER (purpose = 'user') AS output_tokens,
        sum(reasoning_tokens) FILTER (purpose = 'user') AS reasoning_tokens,
        sum(cost_usd) FILTER (purpose = 'user') AS cost_usd,
        sum(cost_usd) FILTER (purpose <> 'user') AS overhead_usd,
        count(*) FILTER (purpose = 'user' AND billable AND cost_usd IS NULL) AS unpriced,
        CASE WHEN bool_or(NOT failed) FILTER (purpose = 'user' AND lane = 'large')
            AND bool_and(cost_usd IS NOT NULL OR NOT billable) FILTER (purpose = 'user' AND lane = 'large')
            THEN sum(cost_usd) FILTER (purpose = 'user' AND lane = 'large') END AS own_large_usd,
        CASE WHEN bool_or(NOT failed) FILTER (purpose = 'user' AND lane = 'small')
            AND bool_and(cost_usd IS NOT NULL OR NOT billable) FILTER (purpose = 'user' AND lane = 'small')
            THEN sum(cost_usd) FILTER (purpose = 'user' AND lane = 'small') END AS own_small_usd,
        max(cost_usd) FILTER (purpose = 'shadow' AND NOT failed) AS shadow_large_usd,
        count(DISTINCT cost_source) AS sources,
        max(cost_source) AS cost_source
    FROM attempted
    GROUP BY request_id
), answered AS (
    SELECT
        t.*, s.* EXCLUDE (request_id, lane, failed, error_type, gate, ttft_ms, cost_source),
        t.cache IS NOT NULL AS hit, s.lane AS last_lane, s.failed AS last_failed, s.error_type AS last_error, s.gate AS last_gate,
        s.ttft_ms AS last_ttft, s.cost_source AS last_source,
        first_gate = 'fail' AS cascaded,
        first_fails AND s.models > 1 AS fell_back
    FROM tried AS t LEFT JOIN totals AS s USING (request_id)
)
SELECT
    request_id, trace_id, span_id,
    CASE WHEN hash(i, 'session') % 10 >= 3 THEN 'session-' || (i // 25 + hash(i, 'which') % 4) END AS session_id,
    CASE WHEN hash(i, 'start') % 1000 >= 2 THEN started_at END AS started_at,
    CASE WHEN hit THEN exp(1.5 + 0.3 * g6) WHEN untimed = 0 THEN duration_ms + 5 END AS duration_ms,
    CASE WHEN routed AND NOT hit THEN exp(2 + 0.5 * g6) END AS routing_ms,
    last_ttft AS ttft_ms, task_type, router, router_version,
    CASE WHEN hash(i, 'labelled') % 10 >= 1 THEN CASE WHEN hash(i, 'architecture') % 2 = 0 THEN 'hybrid' ELSE 'agents' END END AS architecture,
    CASE WHEN routed THEN CASE WHEN sent_up THEN 'below threshold' ELSE 'confident enough' END END AS reason,
    CASE WHEN hash(i, 'scale') % 100 > 0 THEN certain END AS confidence,
    CASE WHEN certain IS NOT NULL THEN kind END AS confidence_kind,
    CASE WHEN hash(i, 'scale') % 100 > 0 THEN certain ELSE certain * 100 END AS confidence_raw,
    threshold, CASE WHEN u3 < 0.9 THEN 'auto' END AS requested_model,
    CASE WHEN routed THEN first_model END AS selected_model, CASE WHEN routed THEN selected_lane END AS selected_lane,
    model AS answered_by, provider, CASE WHEN hit THEN 'cache' ELSE last_lane END AS lane,
    CASE WHEN hit THEN false WHEN last_lane <> 'unknown' THEN last_lane = 'large' END AS escalated,
    CASE
        WHEN hit OR last_lane <> 'large' THEN NULL
        WHEN cascaded THEN 'cascaded'
        WHEN fell_back AND selected_lane <> 'large' THEN 'fallback'
        ELSE 'routed'
    END AS escalation_kind,
    CASE
        WHEN hit OR last_lane <> 'large' THEN NULL
        WHEN cascaded THEN 'quality_gate'
        WHEN fell_back AND selected_lane <> 'large' THEN 'error'
        WHEN certain < threshold THEN 'low_confidence'
        WHEN u20 < 0.1 THEN 'context_length'
    END AS escalation_reason,
    coalesce(attempts, 0) AS attempts, coalesce(failed_attempts, 0) AS failed_attempts, coalesce(steps, 0) AS steps,
    CAST(NOT hit AND first_fails AND u26 < 0.5 AS INTEGER) AS retries, coalesce(fell_back, false) AS fell_back,
    cache, coalesce(cache, CASE WHEN hash(i, 'layer') % 20 = 0 THEN 'component' END) AS cache_layers,
    CASE WHEN u28 < 0.9 THEN CASE WHEN u29 > 0.85 THEN 'batch' ELSE 'realtime' END END AS mode, last_gate AS gate,
    CASE WHEN last_failed THEN last_error END AS error_type, coalesce(last_failed, false) AS failed,
    input_tokens, cached_tokens, output_tokens, reasoning_tokens,
    CASE WHEN hit THEN 0 WHEN unpriced = 0 THEN cost_usd END AS cost_usd, overhead_usd,
    CASE WHEN hit THEN 'cache' WHEN unpriced = 0 AND cost_usd IS NOT NULL THEN CASE WHEN sources > 1 THEN 'mixed' ELSE last_source END END AS cost_source,
    coalesce(unpriced = 0, true) AS priced,
    CASE WHEN u24 < 0.95 THEN ['acme', 'globex', 'initech', 'umbrella'][1 + CAST(floor(u22 * u25 * 4) AS INTEGER)] END AS tenant,
    CASE WHEN u24 < 0.9 THEN ['search', 'support', 'billing', 'research'][1 + CAST(floor(u22 * 4) AS INTEGER)] END AS team,
    CASE WHEN u24 < 0.3 THEN 'nightly-' || CAST(floor(u20 * 5) AS INTEGER) END AS job,
    CASE WHEN u24 < 0.3 AND hash(i, 'run') % 3 > 0 THEN 'run-' || hash(i, 'run') % 9 END AS job_run,
    CASE WHEN u23 < 0.8 THEN 'user-' || CAST(floor(u21 * 200) AS INTEGER) END AS user_id,
    CASE WHEN u31 < 0.9 THEN 'production' WHEN u31 < 0.97 THEN 'staging' END AS environment,
    CASE WHEN u30 < 0.97 THEN ['assistant', 'indexer'][1 + CAST(u30 > 0.7 AS INTEGER)] END AS service,
    own_large_usd, own_small_usd, shadow_large_usd, sample_weight
FROM answered;

INSERT INTO attempts BY NAME
SELECT
    a.* REPLACE (r.request_id AS request_id),
    CASE WHEN hash(a.attempt_id, 'answered') % 100 > 0 THEN coalesce(a.purpose = 'user' AND NOT a.failed AND a.span_id = (
        max(CASE WHEN a.purpose = 'user' AND NOT a.failed THEN a.span_id END) OVER (PARTITION BY a.request_id)
    ), FALSE) END AS answered,
    CASE WHEN hash(a.attempt_id, 'edition') % 100 > 0 THEN '0123456789abcdef' END AS price_edition,
    CASE WHEN a.cost_source = 'span' THEN CAST(a.cost_usd AS DOUBLE) END AS span_cost_usd,
    CASE WHEN a.cost_source = 'user' AND hash(a.attempt_id, 'currency') % 40 = 0 THEN 'EUR' END AS currency,
    CASE WHEN a.cost_source = 'user' AND hash(a.attempt_id, 'currency') % 40 = 0 THEN a.cost_usd END AS cost_amount,
    CASE WHEN a.cost_source = 'user' AND hash(a.attempt_id, 'hardware') % 40 = 0 THEN 'gpu-box' END AS hardware,
    CASE WHEN hash(a.attempt_id, 'prompt') % 10 > 0 THEN md5(a.attempt_id) END AS prompt_hash,
    r.span_id AS request_span, CASE WHEN hash(a.attempt_id, 'linked') % 100 = 0 THEN r.trace_id END AS request_trace,
    r.task_type, r.lane AS request_lane, r.escalated, r.escalation_kind, r.escalation_reason, r.router, r.router_version, r.architecture,
    r.selected_model, r.answered_by, r.mode, r.cache, r.tenant, r.team, r.job, r.job_run, r.session_id, r.environment, r.service
FROM attempted AS a
-- a few set-up calls belong to no request
LEFT JOIN requests AS r ON r.request_id = a.request_id AND (purpose <> 'classifier' OR a.span_id % 97 <> 0);

INSERT INTO evaluations BY NAME
SELECT
    md5(attempt_id) AS evaluation_id,
    CASE WHEN hash(attempt_id, 'linked') % 10 > 0 THEN trace_id END AS trace_id,
    CASE WHEN hash(attempt_id, 'linked') % 10 > 1 THEN span_id END AS span_id,
    CASE WHEN hash(attempt_id, 'linked') % 10 < 2 THEN 'chatcmpl-' || span_hex(span_id) END AS response_id,
    CASE WHEN hash(attempt_id, 'at') % 50 > 0 THEN started_at + INTERVAL 2 SECOND END AS evaluated_at,
    ['faithful', 'helpful'][1 + CAST(hash(attempt_id, 'name') % 2 AS INTEGER)] AS name,
    CASE WHEN hash(attempt_id, 'score') % 20 > 0 THEN hash(attempt_id, 'value') % 101 / 100 END AS score,
    CASE WHEN hash(attempt_id, 'label') % 2 > 0 THEN ['good', 'passed', 'failed'][1 + CAST(hash(attempt_id, 'verdict') % 3 AS INTEGER)] END AS label,
    CASE WHEN hash(attempt_id, 'label') % 3 = 0 THEN 'Cites its source.' END AS explanation,
    CASE WHEN hash(attempt_id, 'score') % 20 = 0 THEN 'timeout' END AS error_type
FROM attempts
WHERE purpose = 'user' AND hash(attempt_id) % 5 = 0;

DROP TABLE asked;
DROP TABLE sent;
DROP TABLE tried;
DROP TABLE calls;
DROP TABLE attempted;
