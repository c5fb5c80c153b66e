WITH measures AS (
    SELECT
        r.sample_weight * r.context_history AS context_history,
        CASE WHEN r.context_history IS NOT NULL THEN 1 ELSE 0 END AS context_history_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(context_history) AS value,
        sum(context_history_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
