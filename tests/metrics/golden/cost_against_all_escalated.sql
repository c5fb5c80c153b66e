WITH measures AS (
    SELECT
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd AS cost_usd,
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.overhead_usd AS overhead_request_usd,
        CASE WHEN r.escalated AND r.attempts = 1 AND r.cost_usd IS NOT NULL THEN r.sample_weight ELSE 0 END AS escalated_once,
        CASE WHEN r.escalated AND r.attempts = 1 THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END AS escalated_once_usd,
        CASE WHEN r.cost_usd IS NOT NULL THEN r.sample_weight ELSE 0 END AS cost_known,
        CASE WHEN r.cost_usd IS NOT NULL THEN 1 ELSE 0 END AS cost_known_rows
    FROM requests AS r
),
figures AS (
    SELECT
        (sum(cost_usd) + coalesce(sum(overhead_request_usd), 0)) * sum(escalated_once) / nullif(sum(escalated_once_usd), 0) / nullif(sum(cost_known), 0) AS value,
        sum(cost_known_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
