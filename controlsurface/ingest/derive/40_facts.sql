-- facts: what the spans of a unit say about its request; the routing span is believed first, then notes, then calls.
CREATE OR REPLACE TEMP TABLE member AS
SELECT inside.trace_id, inside.span_id, inside.unit_id, FALSE AS above
FROM (
    SELECT chain.trace_id, chain.span_id, arg_min(chain.ancestor_id, chain.distance) AS unit_id
    FROM chain
    JOIN unit ON unit.trace_id = chain.trace_id AND unit.span_id = chain.ancestor_id
    GROUP BY chain.trace_id, chain.span_id
) AS inside
UNION ALL
SELECT chain.trace_id, chain.ancestor_id, unit.span_id, TRUE
FROM unit
JOIN chain ON chain.trace_id = unit.trace_id AND chain.span_id = unit.span_id AND chain.distance > 0;

-- Units that share a link are one request, told by the first of them.
CREATE OR REPLACE TEMP TABLE linked AS
WITH named AS (
    SELECT member.trace_id, member.unit_id, min(s.link_id) AS link_id, min(s.start_ns) AS start_ns
    FROM member
    JOIN s ON s.trace_id = member.trace_id AND s.span_id = member.span_id
    WHERE NOT member.above AND coalesce(s.purpose, 'user') = 'user'
    GROUP BY ALL
)
SELECT
    trace_id,
    unit_id,
    first_value(trace_id) OVER same AS request_trace,
    first_value(unit_id) OVER same AS request_span
FROM named
WHERE link_id IS NOT NULL
WINDOW same AS (PARTITION BY link_id ORDER BY start_ns, trace_id, unit_id);

CREATE OR REPLACE TEMP TABLE told AS  -- narrow on purpose: the wide rows are read once, below
SELECT
    coalesce(linked.request_trace, member.trace_id) AS request_trace,
    coalesce(linked.request_span, member.unit_id) AS request_span,
    row_number() OVER (
        PARTITION BY coalesce(linked.request_trace, member.trace_id), coalesce(linked.request_span, member.unit_id)
        ORDER BY
            CASE
                WHEN member.above THEN 9
                WHEN member.span_id = member.unit_id AND spoken.span_id IS NULL THEN 0
                WHEN s.is_request AND spoken.span_id IS NULL OR s.is_decision THEN 1
                WHEN s.is_dispatch THEN 2
                WHEN spoken.span_id IS NOT NULL AND coalesce(s.purpose, 'user') = 'user' THEN 3
                ELSE 4
            END,
            s.start_ns,
            s.trace_id,
            s.span_id
    ) AS rank,
    member.above,
    member.trace_id,
    member.span_id,
    gate.passed AS evaluation_passed,
    spoken.span_id IS NOT NULL AS spoken,
    member.unit_id
FROM member
JOIN s ON s.trace_id = member.trace_id AND s.span_id = member.span_id
LEFT JOIN spoken ON spoken.trace_id = member.trace_id AND spoken.span_id = member.span_id
LEFT JOIN linked ON linked.trace_id = member.trace_id AND linked.unit_id = member.unit_id
LEFT JOIN gate ON gate.trace_id = member.trace_id AND gate.span_id = member.span_id;

CREATE OR REPLACE TEMP TABLE facts AS
SELECT
    request_trace,
    request_span,
    arg_min(request_id, rank) FILTER (WHERE NOT above) AS request_id,
    arg_min(session_id, rank) AS session_id,
    arg_min(task_type, rank) AS task_type,
    arg_min(router, rank) FILTER (WHERE NOT above) AS router,
    arg_min(router_version, rank) FILTER (WHERE NOT above) AS router_version,
    arg_min(reason, rank) FILTER (WHERE NOT above) AS reason,
    arg_min(confidence, rank) FILTER (WHERE NOT above) AS confidence,
    arg_min(confidence_kind, rank) FILTER (WHERE NOT above AND confidence IS NOT NULL) AS confidence_kind,
    arg_min(threshold, rank) FILTER (WHERE NOT above) AS threshold,
    arg_min(requested_model, rank) FILTER (WHERE NOT above) AS requested_model,
    arg_min(selected_model, rank) FILTER (WHERE NOT above) AS selected_model,
    arg_min(lane, rank) FILTER (WHERE NOT above) AS lane,
    arg_min(escalated, rank) FILTER (WHERE NOT above) AS escalated,
    arg_min(escalation_reason, rank) FILTER (WHERE NOT above) AS escalation_reason,
    coalesce(bool_or(fell_back) FILTER (WHERE NOT above), FALSE) AS fell_back,
    bool_or(is_cache_lookup OR is_dispatch) FILTER (WHERE NOT above) AS cache_asked,
    arg_min(mode, rank) AS mode,
    bool_and(coalesce(gate_passed, evaluation_passed)) AS gate_passed,
    arg_min(tenant, rank) AS tenant,
    arg_min(team, rank) AS team,
    arg_min(job, rank) AS job,
    arg_min(job_run, rank) AS job_run,
    arg_min(user_id, rank) AS user_id,
    arg_min(environment, rank) AS environment,
    arg_min(sample_rate, rank) AS sample_rate,
    arg_min(service, rank) FILTER (WHERE NOT above) AS service,
    arg_min(error_type, rank) FILTER (WHERE rank = 1) AS error_type,
    arg_min(status, rank) AS status,
    arg_min(started_at, rank) FILTER (WHERE NOT above) AS started_at,
    arg_min(duration_ms, rank) FILTER (WHERE rank = 1) AS own_duration_ms,
    min(start_ns) FILTER (WHERE rank = 1 AND NOT spoken AND (is_request OR is_gateway OR is_decision)
        AND possible(start_ns)) AS routing_start_ns,
    CASE
        WHEN min(told.trace_id) FILTER (WHERE NOT above) <> max(told.trace_id) FILTER (WHERE NOT above)
        THEN (max(end_ns) FILTER (WHERE NOT above) - min(start_ns) FILTER (WHERE NOT above)) / 1e6
    END AS linked_duration_ms
FROM told
JOIN s ON s.trace_id = told.trace_id AND s.span_id = told.span_id
GROUP BY request_trace, request_span;

-- hits: of requests for which a cache had something, the caches, and the first whose finding can be the answer.
CREATE OR REPLACE TEMP TABLE hits AS
SELECT
    told.request_trace,
    told.request_span,
    string_agg(DISTINCT hit.layer, ',' ORDER BY hit.layer) AS cache_layers,
    arg_min(hit.layer, told.rank) FILTER (WHERE layer_answers(hit.layer) AND hit.purpose = 'user') AS answering_layer
FROM (
    SELECT trace_id, span_id, coalesce(purpose, 'user') AS purpose, cache_layer(cache, coalesce(operation, purpose)) AS layer
    FROM s
    WHERE cache_hit
) AS hit
JOIN told ON told.trace_id = hit.trace_id AND told.span_id = hit.span_id
WHERE NOT told.above
GROUP BY told.request_trace, told.request_span;
