WITH measures AS (
    SELECT
        r.sample_weight * r.context_system AS context_system,
        CASE WHEN r.context_system IS NOT NULL THEN 1 ELSE 0 END AS context_system_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(context_system) AS value,
        sum(context_system_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
