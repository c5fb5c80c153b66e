WITH measures AS (
    SELECT
        r.sample_weight * r.input_tokens AS input_tokens,
        CASE WHEN r.input_tokens IS NOT NULL THEN r.sample_weight ELSE 0 END AS input_known,
        CASE WHEN r.input_tokens IS NOT NULL THEN 1 ELSE 0 END AS input_known_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(input_tokens) / nullif(sum(input_known), 0) AS value,
        sum(input_known_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
