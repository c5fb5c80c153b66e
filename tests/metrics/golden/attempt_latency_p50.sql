WITH measures AS (
    SELECT
        r.duration_ms AS latency_ms
    FROM attempts AS r
),
figures AS (
    SELECT
        quantile_cont(latency_ms, 0.5) AS value,
        count(latency_ms) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
