WITH measures AS (
    SELECT
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.batch_saving_usd AS batch_saving_usd,
        CASE WHEN r.billable AND r.batch_saving_usd IS NOT NULL THEN r.sample_weight ELSE 0 END AS batch_parted,
        CASE WHEN r.billable AND r.mode = 'batch' THEN r.sample_weight ELSE 0 END AS batch_billable,
        CASE WHEN r.batch_saving_usd IS NOT NULL THEN 1 ELSE 0 END AS batch_saving_usd_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(batch_saving_usd) AS value,
        sum(batch_saving_usd_rows) AS n,
        sum(batch_parted) / nullif(sum(batch_billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
