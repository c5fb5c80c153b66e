WITH measures AS (
    SELECT
        r.sample_weight * r.threshold AS threshold,
        CASE WHEN r.threshold IS NOT NULL THEN r.sample_weight ELSE 0 END AS threshold_known,
        CASE WHEN r.threshold IS NOT NULL THEN 1 ELSE 0 END AS threshold_known_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(threshold) / nullif(sum(threshold_known), 0) AS value,
        sum(threshold_known_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
