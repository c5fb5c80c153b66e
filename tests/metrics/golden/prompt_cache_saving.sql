WITH measures AS (
    SELECT
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cache_saving_usd AS cache_saving_usd,
        CASE WHEN r.billable AND r.output_usd IS NOT NULL THEN r.sample_weight ELSE 0 END AS parted,
        CASE WHEN r.billable THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN r.cache_saving_usd IS NOT NULL THEN 1 ELSE 0 END AS cache_saving_usd_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(cache_saving_usd) AS value,
        sum(cache_saving_usd_rows) AS n,
        sum(parted) / nullif(sum(billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
