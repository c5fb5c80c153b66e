WITH measures AS (
    SELECT
        CASE WHEN r.failed_attempts > 0 AND NOT r.failed THEN r.sample_weight ELSE 0 END AS recovered,
        CASE WHEN r.failed_attempts > 0 THEN r.sample_weight ELSE 0 END AS troubled,
        CASE WHEN r.failed_attempts > 0 THEN 1 ELSE 0 END AS troubled_rows,
        CASE WHEN r.failed_attempts > 0 THEN r.sample_weight * r.sample_weight ELSE 0 END AS troubled_squares
    FROM requests AS r
),
figures AS (
    SELECT
        sum(recovered) / nullif(sum(troubled), 0) AS value,
        sum(troubled_rows) AS n,
        power(sum(troubled), 2) / nullif(sum(troubled_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
