WITH measures AS (
    SELECT
        CASE WHEN r.purpose <> 'user' THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END AS overhead_usd,
        CASE WHEN r.billable AND r.purpose <> 'user' AND r.cost_usd IS NOT NULL AND r.unpriced_parts IS NULL THEN r.sample_weight ELSE 0 END AS overhead_priced,
        CASE WHEN r.billable AND r.purpose <> 'user' THEN r.sample_weight ELSE 0 END AS overhead_billable,
        CASE WHEN r.purpose <> 'user' AND r.cost_usd IS NOT NULL THEN 1 ELSE 0 END AS overhead_usd_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(overhead_usd) AS value,
        sum(overhead_usd_rows) AS n,
        sum(overhead_priced) / nullif(sum(overhead_billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
