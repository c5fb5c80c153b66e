WITH measures AS (
    SELECT
        r.sample_weight * r.cached_tokens AS cached_tokens,
        CASE WHEN r.cached_tokens IS NOT NULL THEN 1 ELSE 0 END AS cached_tokens_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(cached_tokens) AS value,
        sum(cached_tokens_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
