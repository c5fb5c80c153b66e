WITH measures AS (
    SELECT
        r.sample_weight * r.output_tokens AS output_tokens,
        CASE WHEN r.output_tokens IS NOT NULL THEN r.sample_weight ELSE 0 END AS output_known,
        CASE WHEN r.output_tokens IS NOT NULL THEN 1 ELSE 0 END AS output_known_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(output_tokens) / nullif(sum(output_known), 0) AS value,
        sum(output_known_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
