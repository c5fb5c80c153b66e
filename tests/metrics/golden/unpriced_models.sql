WITH measures AS (
    SELECT
        CASE WHEN r.billable AND (r.cost_usd IS NULL OR r.unpriced_parts IS NOT NULL) THEN r.model END AS unpriced_model
    FROM attempts AS r
),
figures AS (
    SELECT
        count(DISTINCT unpriced_model) AS value,
        count(DISTINCT unpriced_model) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
