WITH measures AS (
    SELECT
        r.lane AS lane,
        r.model AS model,
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd AS cost_usd,
        CASE WHEN r.billable AND r.cost_usd IS NOT NULL AND r.unpriced_parts IS NULL THEN r.sample_weight ELSE 0 END AS priced,
        CASE WHEN r.billable THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN r.cost_usd IS NOT NULL THEN 1 ELSE 0 END AS cost_usd_rows
    FROM attempts AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
),
figures AS (
    SELECT
        lane,
        model,
        sum(cost_usd) AS value,
        sum(cost_usd_rows) AS n,
        sum(priced) / nullif(sum(billable), 0) AS priced_share
    FROM measures
    GROUP BY lane, model
)
SELECT
    lane,
    model,
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
ORDER BY lane NULLS LAST, model NULLS LAST
LIMIT $row_limit
