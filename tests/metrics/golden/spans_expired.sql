WITH measures AS (
    SELECT
        r.expired AS expired,
        CASE WHEN TRUE THEN (r.spans + r.duplicate + r.expired + r.rejected) ELSE 0 END AS expired_rows
    FROM arrivals AS r
),
figures AS (
    SELECT
        coalesce(sum(expired), 0) AS value,
        sum(expired_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
