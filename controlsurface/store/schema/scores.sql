-- One row per evaluation result, beside what is known of the call or request it is about: by its span, which is one of
-- either. A result that names no span, or one that has not arrived, keeps its own columns.
CREATE OR REPLACE VIEW scores AS
SELECT
    e.evaluation_id,
    coalesce(a.request_id, r.request_id) AS request_id,
    e.evaluated_at AS started_at,
    e.name AS evaluation,
    e.score,
    e.label,
    CASE
        WHEN lower(e.label) IN ('pass', 'passed', 'true', 'yes') THEN TRUE
        WHEN lower(e.label) IN ('fail', 'failed', 'false', 'no') THEN FALSE
    END AS passed,
    e.error_type,
    coalesce(a.task_type, r.task_type) AS task_type,
    coalesce(a.lane, r.lane) AS lane,
    coalesce(a.model, r.answered_by) AS model,
    coalesce(a.router, r.router) AS router,
    coalesce(a.router_version, r.router_version) AS router_version,
    coalesce(a.tenant, r.tenant) AS tenant,
    coalesce(a.team, r.team) AS team,
    coalesce(a.environment, r.environment) AS environment,
    coalesce(a.service, r.service) AS service,
    coalesce(a.architecture, r.architecture) AS architecture,
    coalesce(a.sample_weight, r.sample_weight, 1) AS sample_weight
FROM evaluations AS e
LEFT JOIN attempts AS a ON a.trace_id = e.trace_id AND a.span_id = e.span_id
LEFT JOIN requests AS r ON r.trace_id = e.trace_id AND r.span_id = e.span_id;
