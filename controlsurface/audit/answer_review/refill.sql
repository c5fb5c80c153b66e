INSERT INTO audit_items BY NAME
WITH missing AS (
    SELECT *, coalesce(shadow_of, request_id) AS answers_again
    FROM attempts AS a
    WHERE a.purpose = 'shadow' AND NOT a.failed AND coalesce(shadow_of, request_id) IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM audit_items AS i WHERE i.item_id = a.attempt_id)
),
-- what the user was given: the call that answered, the last that did not fail where none is known to have
answers AS (
    SELECT
        request_id,
        arg_max(
            struct_pack(
                trace_id, span_id, lane, model, answer_label, task_type, router, router_version, tenant, team, environment
            ),
            (coalesce(answered, FALSE), started_at, span_id)
        ) AS given
    FROM attempts
    WHERE purpose = 'user' AND NOT failed AND request_id IN (SELECT answers_again FROM missing)
    GROUP BY request_id
),
decisions AS (
    SELECT request_id, arg_max(struct_pack(confidence, threshold), (started_at, span_id)) AS made
    FROM requests
    WHERE request_id IN (SELECT answers_again FROM missing)
    GROUP BY request_id
)
SELECT
    m.attempt_id AS item_id, m.answers_again AS request_id, m.started_at,
    coalesce(a.given.task_type, m.task_type) AS task_type, coalesce(a.given.router, m.router) AS router,
    coalesce(a.given.router_version, m.router_version) AS router_version, coalesce(a.given.tenant, m.tenant) AS tenant,
    coalesce(a.given.team, m.team) AS team, coalesce(a.given.environment, m.environment) AS environment,
    d.made.confidence AS confidence, d.made.threshold AS threshold,
    a.given.trace_id AS trace_id, a.given.span_id AS span_id, a.given.lane AS lane, a.given.model AS model,
    a.given.answer_label AS answer_label, m.trace_id AS shadow_trace_id, m.span_id AS shadow_span_id,
    m.lane AS shadow_lane, m.model AS shadow_model, m.answer_label AS shadow_label, m.sampling_probability, m.sample_weight
FROM missing AS m
JOIN answers AS a ON a.request_id = m.answers_again
LEFT JOIN decisions AS d ON d.request_id = m.answers_again
