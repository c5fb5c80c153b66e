-- A run of the requests of a day and their calls: the same ones every time.
CREATE OR REPLACE TEMP MACRO chance(i, what) AS (hash(i, what) % 1000003) / 1000003.0;
CREATE OR REPLACE TEMP MACRO normal(i, what) AS
    sqrt(-2 * ln(chance(i, what) + 1e-9)) * cos(6.283185307179586 * chance(i, what + 1000));

CREATE OR REPLACE TEMP TABLE asked AS
WITH timed AS (
    SELECT i, (i + chance(i, 0)) / $n AS passed FROM range($first, $last) AS numbers(i)
),
drawn AS (
    SELECT
        i,
        -- a day has its busy hours
        $start + to_microseconds(CAST(
            (passed + 0.5 * sin(6.283185307179586 * passed) / 6.283185307179586) * 86400000000 AS BIGINT)) AS started_at,
        passed,
        CAST(floor(8 * chance(i, 1) * chance(i, 2)) AS INTEGER) AS task,
        CAST(floor(8 * chance(i, 3) * chance(i, 4)) AS INTEGER) AS tenant,
        power(chance(i, 5), 0.35) AS confidence,
        chance(i, 6) AS luck, chance(i, 7) AS model, chance(i, 8) AS fate, chance(i, 9) AS hit,
        normal(i, 10) AS speed, normal(i, 11) AS size, normal(i, 12) AS answer
    FROM timed
),
laned AS (
    SELECT
        *,
        0.55 + 0.03 * task AS threshold,
        CASE WHEN hit < 0.08 THEN 'cache' WHEN confidence < threshold OR luck < 0.04 THEN 'large' ELSE 'small' END AS lane,
        CASE WHEN lane <> 'large' THEN NULL WHEN luck < 0.04 THEN 'cascaded' WHEN luck < 0.05 THEN 'fallback' ELSE 'routed'
            END AS escalation_kind,
        fate < 0.012 AND lane <> 'cache' AS failed,
        CASE lane
            WHEN 'small' THEN ['slm-7b', 'slm-3b', 'phi-4-mini'][1 + CAST(floor(3 * model) AS INTEGER)]
            WHEN 'large' THEN ['gpt-5', 'claude-opus-5'][1 + CAST(floor(2 * model) AS INTEGER)]
        END AS called,
        CAST(exp(6 + 0.8 * size) AS BIGINT) AS input_tokens,
        CASE WHEN NOT failed THEN CAST(exp(4.5 + 0.9 * answer) AS BIGINT) END AS output_tokens
    FROM drawn
)
SELECT
    *,
    CAST(md5_number(CAST(i AS VARCHAR)) AS UUID) AS trace_id,
    CAST(hash(i, 13) AS UBIGINT) AS span_id,
    trace_hex(trace_id) || '-' || span_hex(span_id) AS request_id,
    round(CASE lane WHEN 'small' THEN exp(5 + 0.5 * speed) WHEN 'large' THEN exp(7.2 + 0.6 * speed) ELSE exp(1.5 + 0.3 * speed)
        END, 3) AS duration_ms,
    CASE WHEN called IS NOT NULL AND NOT failed THEN round(duration_ms * (0.2 + 0.2 * chance(i, 14)), 3) END AS ttft_ms,
    CAST(CASE lane WHEN 'small' THEN 0.1 * input_tokens + 0.4 * coalesce(output_tokens, 0)
        WHEN 'large' THEN 3 * input_tokens + 15 * coalesce(output_tokens, 0) ELSE 0 END / 1e6 AS DECIMAL(18, 12)) AS cost_usd,
    'task-' || task AS task_type,
    'tenant-' || tenant AS tenant_name,
    'team-' || tenant // 2 AS team,
    CASE WHEN chance(i, 15) < 0.95 THEN 'production' ELSE 'staging' END AS environment,
    'v1' AS router_version
FROM laned;

INSERT INTO requests BY NAME
SELECT
    request_id, trace_id, span_id, 'session-' || i // 6 AS session_id, started_at, duration_ms, ttft_ms, task_type,
    'semantic' AS router, router_version, ['rule', 'classifier', 'similarity'][1 + CAST(i % 3 AS INTEGER)] AS reason,
    round(confidence, 4) AS confidence, 'probability' AS confidence_kind, round(confidence, 4) AS confidence_raw, threshold,
    called AS selected_model, lane AS selected_lane, CASE WHEN NOT failed THEN called END AS answered_by,
    CASE WHEN lane = 'large' THEN 'openai' WHEN lane = 'small' THEN 'vllm' END AS provider, lane, lane = 'large' AS escalated,
    escalation_kind, CASE escalation_kind WHEN 'routed' THEN 'low_confidence' WHEN 'cascaded' THEN 'quality_gate'
        WHEN 'fallback' THEN 'error' END AS escalation_reason,
    CASE WHEN lane = 'cache' THEN 0 WHEN escalation_kind IN ('cascaded', 'fallback') THEN 2 ELSE 1 END AS attempts,
    CASE WHEN failed OR escalation_kind = 'fallback' THEN 1 ELSE 0 END AS failed_attempts, attempts AS steps, 0 AS retries,
    escalation_kind IS NOT DISTINCT FROM 'fallback' AS fell_back, CASE WHEN lane = 'cache' THEN 'exact' END AS cache,
    'realtime' AS mode, CASE WHEN failed THEN 'timeout' END AS error_type, failed, input_tokens, output_tokens, cost_usd,
    'genai-prices' AS cost_source, TRUE AS priced, tenant_name AS tenant, team, environment, 'assistant' AS service,
    1 AS sample_weight
FROM asked
ORDER BY started_at;

INSERT INTO attempts BY NAME
WITH calls AS (
    SELECT *, 0 AS step, 'user' AS purpose, lane AS call_lane, called AS model_called, failed AS call_failed
    FROM asked WHERE called IS NOT NULL
    UNION ALL BY NAME
    SELECT *, 1 AS step, 'user' AS purpose, 'small' AS call_lane, 'slm-7b' AS model_called,
        escalation_kind = 'fallback' AS call_failed
    FROM asked WHERE escalation_kind IN ('cascaded', 'fallback')
    UNION ALL BY NAME
    SELECT *, 2 AS step, 'shadow' AS purpose, 'large' AS call_lane, 'gpt-5' AS model_called, FALSE AS call_failed
    FROM asked WHERE lane = 'small' AND chance(i, 17) < 0.01
)
SELECT
    trace_hex(trace_id) || '-' || span_hex(span_id + step + 1) AS attempt_id, request_id, trace_id,
    span_id + step + 1 AS span_id, span_id AS request_span, started_at + INTERVAL 2 MILLISECOND AS started_at, duration_ms - 2 AS duration_ms, ttft_ms,
    purpose, call_lane AS lane, model_called AS model, model_called AS model_raw,
    CASE WHEN call_lane = 'large' THEN 'openai' ELSE 'vllm' END AS provider, 'stop' AS finish,
    CASE WHEN call_failed THEN 'timeout' END AS error_type, call_failed AS failed,
    step = 0 AND NOT call_failed AS answered,
    CASE WHEN step = 1 AND NOT call_failed THEN 'fail' END AS gate, input_tokens,
    CASE WHEN NOT call_failed THEN output_tokens END AS output_tokens, cost_usd, 'genai-prices' AS cost_source,
    TRUE AS billable, CASE WHEN chance(i, 18 + step) < 0.1 THEN 'no' ELSE 'yes' END AS answer_label,
    CASE WHEN purpose = 'shadow' THEN request_id END AS shadow_of,
    CASE WHEN purpose = 'shadow' THEN 0.01 END AS sampling_probability, task_type, lane AS request_lane,
    lane = 'large' AS escalated, escalation_kind, 'semantic' AS router, router_version, called AS selected_model,
    called AS answered_by, 'realtime' AS mode, tenant_name AS tenant, team, environment, 'assistant' AS service,
    1 AS sample_weight
FROM calls
ORDER BY started_at;
DROP TABLE asked;
