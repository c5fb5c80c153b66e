WITH measures AS (
    SELECT
        r.sample_weight * r.attempts AS calls,
        CASE WHEN r.attempts > 0 THEN r.sample_weight ELSE 0 END AS asked,
        CASE WHEN r.attempts > 0 THEN 1 ELSE 0 END AS asked_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(calls) / nullif(sum(asked), 0) AS value,
        sum(asked_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
