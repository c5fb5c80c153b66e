WITH measures AS (
    SELECT
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd AS cost_usd,
        CASE WHEN r.cost_usd IS NOT NULL THEN 1 ELSE 0 END AS cost_usd_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(cost_usd) / nullif(sum(sum(cost_usd)) OVER (), 0) AS value,
        sum(sum(cost_usd_rows)) OVER () AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
