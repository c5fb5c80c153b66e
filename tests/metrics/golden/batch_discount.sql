WITH measures AS (
    SELECT
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.batch_saving_usd AS batch_saving_usd,
        CAST(r.sample_weight AS DECIMAL(18, 6)) * (r.cost_usd + r.batch_saving_usd) AS batch_full_usd,
        CASE WHEN r.cost_usd IS NOT NULL AND r.batch_saving_usd IS NOT NULL THEN 1 ELSE 0 END AS batch_full_usd_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(batch_saving_usd) / nullif(sum(batch_full_usd), 0) AS value,
        sum(batch_full_usd_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
