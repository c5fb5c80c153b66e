WITH measures AS (
    SELECT
        CASE WHEN r.billable AND (r.cost_usd IS NULL OR r.unpriced_parts IS NOT NULL) THEN r.sample_weight ELSE 0 END AS unpriced,
        CASE WHEN r.billable AND (r.cost_usd IS NULL OR r.unpriced_parts IS NOT NULL) THEN 1 ELSE 0 END AS unpriced_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        coalesce(sum(unpriced), 0) AS value,
        sum(unpriced_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
