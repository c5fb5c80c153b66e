WITH measures AS (
    SELECT
        r.age_ms AS age_ms,
        r.aged AS aged,
        CASE WHEN TRUE THEN (r.spans + r.duplicate + r.expired + r.rejected) ELSE 0 END AS aged_rows
    FROM arrivals AS r
),
figures AS (
    SELECT
        sum(age_ms) / nullif(sum(aged), 0) AS value,
        sum(aged_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
