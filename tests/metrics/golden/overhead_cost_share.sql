WITH measures AS (
    SELECT
        CASE WHEN r.purpose <> 'user' THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END AS overhead_usd,
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd AS cost_usd,
        CASE WHEN r.cost_usd IS NOT NULL THEN 1 ELSE 0 END AS cost_usd_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(overhead_usd) / nullif(sum(cost_usd), 0) AS value,
        sum(cost_usd_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
