WITH measures AS (
    SELECT
        CASE WHEN r.cache IS NOT NULL THEN r.sample_weight ELSE 0 END AS cached,
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd AS cost_usd,
        CASE WHEN r.cost_usd IS NOT NULL AND r.cache IS NULL THEN r.sample_weight ELSE 0 END AS cost_known_asked,
        CASE WHEN r.priced THEN r.sample_weight ELSE 0 END AS priced,
        CASE WHEN TRUE THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN r.cost_usd IS NOT NULL AND r.cache IS NULL THEN 1 ELSE 0 END AS cost_known_asked_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(cached) * sum(cost_usd) / nullif(sum(cost_known_asked), 0) AS value,
        sum(cost_known_asked_rows) AS n,
        sum(priced) / nullif(sum(billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
