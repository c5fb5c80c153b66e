INSERT INTO audit_items BY NAME
WITH missing AS (
    SELECT *
    FROM attempts AS a
    WHERE a.purpose = 'shadow' AND NOT a.failed AND a.shadow_of IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM audit_items AS i WHERE i.item_id = a.attempt_id)
),
-- what the user was given: the last call that did not fail
answers AS (
    SELECT request_id, arg_max(struct_pack(trace_id, span_id, lane, model, answer_label), (started_at, span_id)) AS given
    FROM attempts
    WHERE purpose = 'user' AND NOT failed AND request_id IN (SELECT shadow_of FROM missing)
    GROUP BY request_id
),
decisions AS (
    SELECT request_id, arg_max(struct_pack(confidence, threshold), (started_at, span_id)) AS made
    FROM requests
    WHERE request_id IN (SELECT shadow_of FROM missing)
    GROUP BY request_id
)
SELECT
    m.attempt_id AS item_id, m.shadow_of AS request_id, m.started_at, m.task_type, m.router, m.router_version, m.tenant,
    m.team, m.environment, d.made.confidence AS confidence, d.made.threshold AS threshold,
    a.given.trace_id AS trace_id, a.given.span_id AS span_id, a.given.lane AS lane, a.given.model AS model,
    a.given.answer_label AS answer_label, m.trace_id AS shadow_trace_id, m.span_id AS shadow_span_id,
    m.lane AS shadow_lane, m.model AS shadow_model, m.answer_label AS shadow_label, m.sampling_probability, m.sample_weight
FROM missing AS m
JOIN answers AS a ON a.request_id = m.shadow_of
LEFT JOIN decisions AS d ON d.request_id = m.shadow_of
