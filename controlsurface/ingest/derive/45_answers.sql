-- answering: of each request, the call that speaks for it: the one that answered, or was tried last where all failed.
-- What answered is what the request's end says, then the router's word:
-- a call that ended after the routing span cannot have answered, unless it is a stream whose first token came in time
-- and that began after what ended in time; the answering model that the routing span names did; of calls at the same
-- time, that of the selected model or of the lane named. Else it is the one that ended last.
CREATE OR REPLACE TEMP TABLE router_word AS
SELECT
    told.request_trace,
    told.request_span,
    lane_of_word(arg_min(s.lane, told.rank)) AS lane,
    arg_min(lower(model_name(s.selected_model)), told.rank) AS selected_model,
    arg_min(lower(model_name(s.model)), told.rank)
        FILTER (WHERE NOT told.spoken AND s.model IS DISTINCT FROM s.requested_model) AS answering_model
FROM told
JOIN s ON s.trace_id = told.trace_id AND s.span_id = told.span_id
WHERE NOT told.above AND (NOT told.spoken OR s.is_decision)
GROUP BY told.request_trace, told.request_span;

CREATE OR REPLACE TEMP TABLE placed_call AS
SELECT
    told.request_trace,
    told.request_span,
    told.unit_id,
    told.evaluation_passed,
    calls.trace_id,
    calls.span_id,
    count(*) OVER (PARTITION BY told.request_trace, told.request_span) AS beside
FROM calls
JOIN told ON told.trace_id = calls.trace_id AND told.span_id = calls.span_id AND NOT told.above
WHERE calls.purpose = 'user' AND NOT calls.cached;

CREATE OR REPLACE TEMP TABLE answering AS
SELECT request_trace, request_span, trace_id, span_id FROM placed_call WHERE beside = 1;

INSERT INTO answering
WITH user_call AS (
    SELECT
        placed_call.request_trace,
        placed_call.request_span,
        calls.trace_id,
        calls.span_id,
        calls.failed,
        calls.start_ns,
        calls.end_ns,
        coalesce(calls.gate_passed, placed_call.evaluation_passed, TRUE) AS passed,
        coalesce(calls.name = router_word.answering_model, FALSE) AS is_named,
        coalesce(calls.name = router_word.selected_model, FALSE) AS is_selected,
        coalesce(coalesce(calls.configured_lane, calls.word_lane, calls.assumed_lane) = router_word.lane, FALSE) AS is_of_lane,
        NOT calls.failed AND unit.end_ns IS NOT NULL AND calls.end_ns > unit.end_ns AS ended_late,
        coalesce(calls.start_ns + calls.ttft_ms * 1e6 <= unit.end_ns, FALSE) AS began_in_time
    FROM placed_call
    JOIN calls ON calls.trace_id = placed_call.trace_id AND calls.span_id = placed_call.span_id
    LEFT JOIN s AS unit
        ON unit.trace_id = placed_call.trace_id AND unit.span_id = placed_call.unit_id AND unit.span_id <> placed_call.span_id
        AND possible(unit.end_ns) AND unit.end_ns >= unit.start_ns
    LEFT JOIN router_word
        ON router_word.request_trace = placed_call.request_trace AND router_word.request_span = placed_call.request_span
    WHERE placed_call.beside > 1
),
judged AS (
    SELECT
        *,
        ended_late AND NOT (began_in_time AND start_ns >= coalesce(max(end_ns) FILTER (WHERE NOT failed AND NOT ended_late)
            OVER (PARTITION BY request_trace, request_span), start_ns)) AS too_late
    FROM user_call
),
placed_last AS (
    SELECT
        *,
        first_value(struct_pack(failed, too_late, is_named, start_ns, end_ns)) OVER (
            PARTITION BY request_trace, request_span
            ORDER BY failed, too_late, NOT is_named, end_ns DESC, start_ns DESC, trace_id DESC, span_id DESC
        ) AS latest
    FROM judged
)
SELECT request_trace, request_span, trace_id, span_id
FROM placed_last
WHERE failed = latest.failed AND too_late = latest.too_late AND is_named = latest.is_named
    AND (start_ns = latest.start_ns AND end_ns = latest.end_ns
        OR NOT failed AND start_ns < latest.end_ns AND end_ns > latest.start_ns)
QUALIFY row_number() OVER (
    PARTITION BY request_trace, request_span
    ORDER BY NOT passed AND NOT failed, NOT is_selected, NOT is_of_lane, end_ns DESC, start_ns DESC, trace_id DESC, span_id DESC
) = 1;

-- tried_first: of requests with several calls the model that was tried first. Where lanes are assumed, the router's word
-- for the request goes to that model.
CREATE OR REPLACE TEMP TABLE tried_first AS
SELECT
    placed_call.request_trace,
    placed_call.request_span,
    arg_min(calls.answering_model, (calls.end_ns, calls.start_ns, calls.trace_id, calls.span_id)) AS model
FROM placed_call
JOIN calls ON calls.trace_id = placed_call.trace_id AND calls.span_id = placed_call.span_id
WHERE lanes_are_assumed() AND placed_call.beside > 1
GROUP BY placed_call.request_trace, placed_call.request_span;

-- shadowing: calls that name a request which they answer again, and that request, wherever it is.
CREATE OR REPLACE TEMP TABLE shadowing AS
SELECT
    calls.trace_id,
    calls.span_id,
    arg_min(struct_pack(facts.request_trace, facts.request_span),
        struct_pack(facts.started_at, facts.request_trace, facts.request_span)) AS request
FROM calls
JOIN s ON s.trace_id = calls.trace_id AND s.span_id = calls.span_id
JOIN facts
    ON s.shadow_of = coalesce(facts.request_id, trace_hex(facts.request_trace) || '-' || span_hex(facts.request_span))
WHERE calls.purpose <> 'user'
    AND facts.started_at BETWEEN s.started_at - INTERVAL 7 DAY AND s.started_at + INTERVAL 1 HOUR
GROUP BY calls.trace_id, calls.span_id;
