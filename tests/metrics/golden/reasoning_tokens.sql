WITH measures AS (
    SELECT
        r.sample_weight * r.reasoning_tokens AS reasoning_tokens,
        CASE WHEN r.reasoning_tokens IS NOT NULL THEN 1 ELSE 0 END AS reasoning_tokens_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(reasoning_tokens) AS value,
        sum(reasoning_tokens_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
