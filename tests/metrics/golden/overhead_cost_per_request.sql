WITH measures AS (
    SELECT
        CAST(r.sample_weight AS DECIMAL(18, 6)) * r.overhead_usd AS overhead_request_usd,
        r.sample_weight AS n,
        CASE WHEN r.priced THEN r.sample_weight ELSE 0 END AS priced,
        CASE WHEN TRUE THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN TRUE THEN 1 ELSE 0 END AS n_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(overhead_request_usd) / nullif(sum(n), 0) AS value,
        sum(n_rows) AS n,
        sum(priced) / nullif(sum(billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
