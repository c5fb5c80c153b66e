-- One row per shadow attempt, beside the answer that the user was given: what disagreement is counted over.
-- Each row stands for 1 / sampling_probability requests. Disagreement per task type, in which numeric labels (scores)
-- that lie within 0.02 of each other agree:
--   SELECT task_type, count(*) AS n, avg(labels_differ(answer_label, shadow_label, 0.02)::INT) AS disagreement
--   FROM comparisons GROUP BY task_type
CREATE OR REPLACE VIEW comparisons AS
WITH answers AS (
    SELECT
        request_id,
        arg_max(lane, (started_at, span_id)) AS lane,
        arg_max(model, (started_at, span_id)) AS model,
        arg_max(answer_label, (started_at, span_id)) AS answer_label
    FROM attempts
    WHERE purpose = 'user' AND NOT failed AND answer_label IS NOT NULL
    GROUP BY request_id
)
SELECT
    shadow.shadow_of AS request_id,
    shadow.started_at,
    shadow.task_type,
    shadow.router,
    shadow.router_version,
    shadow.tenant,
    shadow.team,
    answers.lane,
    answers.model,
    answers.answer_label,                 -- of the last call that answered the user
    shadow.lane AS shadow_lane,
    shadow.model AS shadow_model,
    shadow.answer_label AS shadow_label,
    shadow.sampling_probability,          -- NULL: unknown, and so is the row's weight
    shadow.sample_weight
FROM attempts AS shadow
JOIN answers ON answers.request_id = shadow.shadow_of
WHERE shadow.purpose = 'shadow' AND NOT shadow.failed AND shadow.answer_label IS NOT NULL;
