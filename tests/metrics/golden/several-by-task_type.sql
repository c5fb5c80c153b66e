WITH measures AS (
    SELECT
        r.task_type AS task_type,
        r.sample_weight AS n,
        CASE WHEN TRUE THEN 1 ELSE 0 END AS n_rows,
        CASE WHEN r.escalated THEN r.sample_weight ELSE 0 END AS escalated,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight ELSE 0 END AS lane_known,
        CASE WHEN r.escalated IS NOT NULL THEN 1 ELSE 0 END AS lane_known_rows,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS lane_known_squares,
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd AS cost_usd,
        CASE WHEN r.cost_usd IS NOT NULL THEN r.sample_weight ELSE 0 END AS cost_known,
        CASE WHEN r.priced THEN r.sample_weight ELSE 0 END AS priced,
        CASE WHEN TRUE THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN r.cost_usd IS NOT NULL THEN 1 ELSE 0 END AS cost_known_rows
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
),
figures AS (
    SELECT
        task_type,
        coalesce(sum(n), 0) AS requests,
        sum(n_rows) AS requests_n,
        sum(escalated) / nullif(sum(lane_known), 0) AS escalation_rate,
        sum(lane_known_rows) AS escalation_rate_n,
        power(sum(lane_known), 2) / nullif(sum(lane_known_squares), 0) AS escalation_rate_effective,
        sum(cost_usd) / nullif(sum(cost_known), 0) AS cost_per_request,
        sum(cost_known_rows) AS cost_per_request_n,
        sum(priced) / nullif(sum(billable), 0) AS cost_per_request_priced_share
    FROM measures
    GROUP BY task_type
)
SELECT
    task_type,
    CAST(requests AS DOUBLE) AS requests,
    CAST(coalesce(requests_n, 0) AS BIGINT) AS requests_n,
    CAST(escalation_rate AS DOUBLE) AS escalation_rate,
    CAST(coalesce(escalation_rate_n, 0) AS BIGINT) AS escalation_rate_n,
    CAST(escalation_rate_effective AS DOUBLE) AS escalation_rate_effective,
    CAST(cost_per_request AS DOUBLE) AS cost_per_request,
    CAST(coalesce(cost_per_request_n, 0) AS BIGINT) AS cost_per_request_n,
    cost_per_request_priced_share
FROM figures
ORDER BY task_type NULLS LAST
LIMIT $row_limit
