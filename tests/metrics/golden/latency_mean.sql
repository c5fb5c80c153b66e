WITH measures AS (
    SELECT
        r.sample_weight * r.duration_ms AS duration_ms,
        CASE WHEN r.duration_ms IS NOT NULL THEN r.sample_weight ELSE 0 END AS duration_known,
        CASE WHEN r.duration_ms IS NOT NULL THEN 1 ELSE 0 END AS duration_known_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(duration_ms) / nullif(sum(duration_known), 0) AS value,
        sum(duration_known_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
