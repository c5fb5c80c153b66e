WITH measures AS (
    SELECT
        r.sample_weight * r.cached_tokens AS cached_tokens,
        r.sample_weight * r.input_tokens AS input_tokens,
        CASE WHEN r.input_tokens IS NOT NULL THEN 1 ELSE 0 END AS input_tokens_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(cached_tokens) / nullif(sum(input_tokens), 0) AS value,
        sum(input_tokens_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
