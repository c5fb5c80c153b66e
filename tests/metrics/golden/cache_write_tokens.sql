WITH measures AS (
    SELECT
        r.sample_weight * r.cache_write_tokens AS cache_write_tokens,
        CASE WHEN r.cache_write_tokens IS NOT NULL THEN 1 ELSE 0 END AS cache_write_tokens_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(cache_write_tokens) AS value,
        sum(cache_write_tokens_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
