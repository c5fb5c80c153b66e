WITH measures AS (
    SELECT
        r.sample_weight * r.routing_ms AS routing_ms,
        CASE WHEN r.routing_ms IS NOT NULL THEN r.sample_weight ELSE 0 END AS routing_known,
        CASE WHEN r.routing_ms IS NOT NULL THEN 1 ELSE 0 END AS routing_known_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(routing_ms) / nullif(sum(routing_known), 0) AS value,
        sum(routing_known_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
