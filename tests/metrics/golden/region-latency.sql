WITH drawn AS (
    SELECT r.task_type,
        r.lane,
        r.answered_by,
        r.selected_model,
        r.provider,
        r.router,
        r.router_version,
        r.escalation_kind,
        r.escalation_reason,
        r.mode,
        r.cache,
        r.gate,
        r.error_type,
        r.cost_source,
        r.tenant,
        r.team,
        r.job,
        r.environment,
        r.service,
        r.architecture,
        r.requested_model,
        r.selected_lane,
        r.reason,
        r.confidence_kind,
        coalesce(r.started_at >= $region_start AND r.started_at < $region_end AND r.duration_ms >= $low AND r.duration_ms <= $high, FALSE) AS inside,
        r.sample_weight AS weight
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND (r.tenant IN ($tenant_0) OR r.tenant IS NULL)
        AND r.lane IN ($lane_0, $lane_1)
        AND r.duration_ms IS NOT NULL
)
SELECT
    CASE WHEN GROUPING(task_type) = 0 THEN 'task_type' WHEN GROUPING(lane) = 0 THEN 'lane' WHEN GROUPING(answered_by) = 0 THEN 'answered_by' WHEN GROUPING(selected_model) = 0 THEN 'selected_model' WHEN GROUPING(provider) = 0 THEN 'provider' WHEN GROUPING(router) = 0 THEN 'router' WHEN GROUPING(router_version) = 0 THEN 'router_version' WHEN GROUPING(escalation_kind) = 0 THEN 'escalation_kind' WHEN GROUPING(escalation_reason) = 0 THEN 'escalation_reason' WHEN GROUPING(mode) = 0 THEN 'mode' WHEN GROUPING(cache) = 0 THEN 'cache' WHEN GROUPING(gate) = 0 THEN 'gate' WHEN GROUPING(error_type) = 0 THEN 'error_type' WHEN GROUPING(cost_source) = 0 THEN 'cost_source' WHEN GROUPING(tenant) = 0 THEN 'tenant' WHEN GROUPING(team) = 0 THEN 'team' WHEN GROUPING(job) = 0 THEN 'job' WHEN GROUPING(environment) = 0 THEN 'environment' WHEN GROUPING(service) = 0 THEN 'service' WHEN GROUPING(architecture) = 0 THEN 'architecture' WHEN GROUPING(requested_model) = 0 THEN 'requested_model' WHEN GROUPING(selected_lane) = 0 THEN 'selected_lane' WHEN GROUPING(reason) = 0 THEN 'reason' WHEN GROUPING(confidence_kind) = 0 THEN 'confidence_kind' END AS dimension,
    CASE WHEN GROUPING(task_type) = 0 THEN task_type WHEN GROUPING(lane) = 0 THEN lane WHEN GROUPING(answered_by) = 0 THEN answered_by WHEN GROUPING(selected_model) = 0 THEN selected_model WHEN GROUPING(provider) = 0 THEN provider WHEN GROUPING(router) = 0 THEN router WHEN GROUPING(router_version) = 0 THEN router_version WHEN GROUPING(escalation_kind) = 0 THEN escalation_kind WHEN GROUPING(escalation_reason) = 0 THEN escalation_reason WHEN GROUPING(mode) = 0 THEN mode WHEN GROUPING(cache) = 0 THEN cache WHEN GROUPING(gate) = 0 THEN gate WHEN GROUPING(error_type) = 0 THEN error_type WHEN GROUPING(cost_source) = 0 THEN cost_source WHEN GROUPING(tenant) = 0 THEN tenant WHEN GROUPING(team) = 0 THEN team WHEN GROUPING(job) = 0 THEN job WHEN GROUPING(environment) = 0 THEN environment WHEN GROUPING(service) = 0 THEN service WHEN GROUPING(architecture) = 0 THEN architecture WHEN GROUPING(requested_model) = 0 THEN requested_model WHEN GROUPING(selected_lane) = 0 THEN selected_lane WHEN GROUPING(reason) = 0 THEN reason WHEN GROUPING(confidence_kind) = 0 THEN confidence_kind END AS value,
    count(*) FILTER (WHERE inside) AS n,
    count(*) FILTER (WHERE NOT inside) AS n_outside,
    CAST(coalesce(sum(weight) FILTER (WHERE inside), 0) AS DOUBLE) AS weight,
    CAST(coalesce(sum(weight) FILTER (WHERE NOT inside), 0) AS DOUBLE) AS weight_outside
FROM drawn
GROUP BY GROUPING SETS ((), (task_type), (lane), (answered_by), (selected_model), (provider), (router), (router_version), (escalation_kind), (escalation_reason), (mode), (cache), (gate), (error_type), (cost_source), (tenant), (team), (job), (environment), (service), (architecture), (requested_model), (selected_lane), (reason), (confidence_kind))
HAVING dimension IS NULL OR count(*) >= $support
ORDER BY dimension NULLS FIRST, value NULLS LAST
LIMIT $row_limit
