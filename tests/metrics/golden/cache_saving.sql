WITH measures AS (
    SELECT
        CASE WHEN r.cost_usd IS NOT NULL AND r.cache IS NULL AND r.attempts > 0 AND NOT r.failed THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END AS called_usd,
        CASE WHEN r.cost_usd IS NOT NULL AND r.cache IS NULL AND r.attempts > 0 AND NOT r.failed THEN r.sample_weight ELSE 0 END AS cost_known_called,
        CASE WHEN r.cache IS NOT NULL THEN r.sample_weight ELSE 0 END AS cached,
        CASE WHEN r.priced THEN r.sample_weight ELSE 0 END AS priced,
        CASE WHEN TRUE THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN r.cache IS NOT NULL THEN 1 ELSE 0 END AS cached_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(sum(called_usd)) OVER () / nullif(sum(sum(cost_known_called)) OVER (), 0) * sum(cached) AS value,
        sum(cached_rows) AS n,
        sum(priced) / nullif(sum(billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
