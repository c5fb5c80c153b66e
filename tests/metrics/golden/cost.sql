WITH measures AS (
    SELECT
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd AS cost_usd,
        CASE WHEN r.billable AND r.cost_usd IS NOT NULL AND r.unpriced_parts IS NULL THEN r.sample_weight ELSE 0 END AS priced,
        CASE WHEN r.billable THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN r.cost_usd IS NOT NULL THEN 1 ELSE 0 END AS cost_usd_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(cost_usd) AS value,
        sum(cost_usd_rows) AS n,
        sum(priced) / nullif(sum(billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
