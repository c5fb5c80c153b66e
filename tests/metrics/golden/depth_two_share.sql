WITH measures AS (
    SELECT
        CASE WHEN r.attempts = 2 THEN r.sample_weight ELSE 0 END AS depth_two,
        CASE WHEN r.attempts > 0 THEN r.sample_weight ELSE 0 END AS asked,
        CASE WHEN r.attempts > 0 THEN 1 ELSE 0 END AS asked_rows,
        CASE WHEN r.attempts > 0 THEN r.sample_weight * r.sample_weight ELSE 0 END AS asked_squares
    FROM requests AS r
),
figures AS (
    SELECT
        sum(depth_two) / nullif(sum(asked), 0) AS value,
        sum(asked_rows) AS n,
        power(sum(asked), 2) / nullif(sum(asked_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
