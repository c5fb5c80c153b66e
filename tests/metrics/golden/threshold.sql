WITH measures AS (
    SELECT
        CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) AND r.threshold IS NOT NULL THEN r.sample_weight * r.threshold END AS threshold,
        CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) AND r.threshold IS NOT NULL THEN r.sample_weight ELSE 0 END AS threshold_held,
        CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) AND r.threshold IS NOT NULL THEN 1 ELSE 0 END AS threshold_held_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(threshold) / nullif(sum(threshold_held), 0) AS value,
        sum(threshold_held_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
