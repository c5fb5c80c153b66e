WITH measures AS (
    SELECT
        CASE WHEN r.escalated AND r.failed THEN r.sample_weight ELSE 0 END AS escalated_failed,
        CASE WHEN r.escalated THEN r.sample_weight ELSE 0 END AS escalated,
        CASE WHEN r.escalated THEN 1 ELSE 0 END AS escalated_rows,
        CASE WHEN r.escalated THEN r.sample_weight * r.sample_weight ELSE 0 END AS escalated_squares
    FROM requests AS r
),
figures AS (
    SELECT
        sum(escalated_failed) / nullif(sum(escalated), 0) AS value,
        sum(escalated_rows) AS n,
        power(sum(escalated), 2) / nullif(sum(escalated_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
