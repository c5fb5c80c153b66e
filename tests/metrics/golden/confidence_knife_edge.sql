WITH measures AS (
    SELECT
        CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) AND round(abs(r.confidence - r.threshold), 9) <= 0.05 THEN r.sample_weight ELSE 0 END AS near_threshold,
        CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) AND r.confidence IS NOT NULL AND r.threshold IS NOT NULL THEN r.sample_weight ELSE 0 END AS held_against,
        CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) AND r.confidence IS NOT NULL AND r.threshold IS NOT NULL THEN 1 ELSE 0 END AS held_against_rows,
        CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) AND r.confidence IS NOT NULL AND r.threshold IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS held_against_squares
    FROM requests AS r
),
figures AS (
    SELECT
        sum(near_threshold) / nullif(sum(held_against), 0) AS value,
        sum(held_against_rows) AS n,
        power(sum(held_against), 2) / nullif(sum(held_against_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
