WITH measures AS (
    SELECT
        r.sample_weight * r.context_tools AS context_tools,
        CASE WHEN r.context_tools IS NOT NULL THEN 1 ELSE 0 END AS context_tools_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(context_tools) AS value,
        sum(context_tools_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
