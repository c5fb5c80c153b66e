WITH measures AS (
    SELECT
        r.sample_weight * r.output_tokens AS output_tokens,
        CASE WHEN r.output_tokens IS NOT NULL THEN 1 ELSE 0 END AS output_tokens_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(output_tokens) AS value,
        sum(output_tokens_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
