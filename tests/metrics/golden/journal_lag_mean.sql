WITH measures AS (
    SELECT
        r.lag_ms AS lag_ms,
        r.spans AS stored,
        CASE WHEN TRUE THEN (r.spans + r.duplicate + r.expired + r.rejected) ELSE 0 END AS stored_rows
    FROM arrivals AS r
),
figures AS (
    SELECT
        sum(lag_ms) / nullif(sum(stored), 0) AS value,
        sum(stored_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
