WITH measures AS (
    SELECT
        r.routing_ms AS routing_ms
    FROM requests AS r
),
figures AS (
    SELECT
        quantile_cont(routing_ms, 0.95) AS value,
        count(routing_ms) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
