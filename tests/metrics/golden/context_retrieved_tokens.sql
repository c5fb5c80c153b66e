WITH measures AS (
    SELECT
        r.sample_weight * r.context_retrieved AS context_retrieved,
        CASE WHEN r.context_retrieved IS NOT NULL THEN 1 ELSE 0 END AS context_retrieved_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(context_retrieved) AS value,
        sum(context_retrieved_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
