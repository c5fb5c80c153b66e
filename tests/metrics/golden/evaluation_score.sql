WITH measures AS (
    SELECT
        r.sample_weight * r.score AS score,
        CASE WHEN r.score IS NOT NULL THEN r.sample_weight ELSE 0 END AS scored,
        CASE WHEN r.score IS NOT NULL THEN 1 ELSE 0 END AS scored_rows
    FROM scores AS r
),
figures AS (
    SELECT
        sum(score) / nullif(sum(scored), 0) AS value,
        sum(scored_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
