-- The comparisons whose shadow calls begin from `low` up to `high` (NULL: open), so that a range alone decides how much is
-- read: answers are looked for from a week before it to an hour after, because clocks differ.
CREATE OR REPLACE MACRO compared(low, high) AS TABLE
WITH shadows AS (
    SELECT *, coalesce(shadow_of, request_id) AS answers_again
    FROM attempts
    WHERE purpose = 'shadow' AND NOT failed AND coalesce(shadow_of, request_id) IS NOT NULL
        AND (low IS NULL OR started_at >= low) AND (high IS NULL OR started_at < high)
),
answers AS (  -- the call that answered the user; the last that did not fail, where none is known to have
    SELECT
        request_id,
        arg_max(
            {
                'trace_id': trace_id, 'span_id': span_id, 'lane': lane, 'model': model, 'task_type': task_type,
                'router': router, 'router_version': router_version, 'tenant': tenant, 'team': team, 'architecture': architecture
            },
            (coalesce(answered, FALSE), started_at, span_id)
        ) AS last,
        arg_max(answer_label, (coalesce(answered, FALSE), started_at, span_id)) AS answer_label
    FROM attempts
    WHERE purpose = 'user' AND NOT failed AND request_id IN (SELECT answers_again FROM shadows)
        AND (low IS NULL OR started_at >= low - INTERVAL 7 DAY) AND (high IS NULL OR started_at < high + INTERVAL 1 HOUR)
    GROUP BY request_id
),
rules AS (
    SELECT task_type, kind, tolerance, fields, evaluation, described FROM comparators
    UNION ALL
    SELECT NULL, 'number', 0.02, [], NULL, 'number, tolerance 0.02' WHERE NOT EXISTS (SELECT 1 FROM comparators)
),
scores AS (
    SELECT trace_id, span_id, name, avg(score) AS score
    FROM evaluations
    WHERE name IN (SELECT evaluation FROM rules) AND score IS NOT NULL
    GROUP BY ALL
),
named AS (
    SELECT
        shadows.*,
        answers.last,
        answers.answer_label AS given_label,
        coalesce(answers.last.task_type, shadows.task_type) AS kind_of_task
    FROM shadows JOIN answers ON answers.request_id = shadows.answers_again
)
SELECT
    named.answers_again AS request_id,
    named.attempt_id,                     -- of the shadow call
    named.started_at,
    named.kind_of_task AS task_type,
    coalesce(named.last.router, named.router) AS router,
    coalesce(named.last.router_version, named.router_version) AS router_version,
    coalesce(named.last.tenant, named.tenant) AS tenant,
    coalesce(named.last.team, named.team) AS team,
    coalesce(named.last.architecture, named.architecture) AS architecture,
    named.last.lane AS lane,
    named.last.model AS model,
    named.last.trace_id AS answer_trace_id,
    named.last.span_id AS answer_span_id,
    named.given_label AS answer_label, -- of the call that answered the user, else of the last with a label
    named.trace_id AS shadow_trace_id,
    named.span_id AS shadow_span_id,
    named.lane AS shadow_lane,
    named.model AS shadow_model,
    named.answer_label AS shadow_label,
    named.cost_usd AS shadow_cost_usd,
    named.duration_ms AS shadow_duration_ms,
    coalesce(named.sampling_probability, told.probability) AS sampling_probability, -- NULL: unknown, and so is the weight
    named.sample_weight,
    rule.described AS comparator,
    CASE rule.kind
        WHEN 'judge' THEN abs(given.score - again.score) > rule.tolerance + 1e-12
        ELSE answers_differ(rule.kind, rule.tolerance, rule.fields, named.given_label, named.answer_label)
    END AS disagrees                      -- NULL: the comparator cannot tell
FROM named
LEFT JOIN (SELECT request_id, arg_max(probability, sampled_at) AS probability FROM sampled_requests GROUP BY request_id)
    AS told ON told.request_id = named.answers_again
JOIN rules AS rule
    ON rule.task_type IS NOT DISTINCT FROM (CASE WHEN named.kind_of_task IN (SELECT task_type FROM rules) THEN named.kind_of_task END)
LEFT JOIN scores AS given
    ON given.trace_id = named.last.trace_id AND given.span_id = named.last.span_id AND given.name = rule.evaluation
LEFT JOIN scores AS again
    ON again.trace_id = named.trace_id AND again.span_id = named.span_id AND again.name = rule.evaluation;
