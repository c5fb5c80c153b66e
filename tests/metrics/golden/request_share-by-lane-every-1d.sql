WITH measures AS (
    SELECT
        time_bucket($every, r.started_at) AS bucket,
        r.lane AS lane,
        r.sample_weight AS n,
        CASE WHEN TRUE THEN 1 ELSE 0 END AS n_rows,
        CASE WHEN TRUE THEN r.sample_weight * r.sample_weight ELSE 0 END AS n_squares
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND r.started_at IS NOT NULL
),
figures AS (
    SELECT
        bucket,
        lane,
        sum(n) / nullif(sum(sum(n)) OVER (PARTITION BY bucket), 0) AS value,
        sum(sum(n_rows)) OVER (PARTITION BY bucket) AS n,
        power(sum(sum(n)) OVER (PARTITION BY bucket), 2) / nullif(sum(sum(n_squares)) OVER (PARTITION BY bucket), 0) AS effective
    FROM measures
    GROUP BY bucket, lane
)
SELECT
    bucket,
    lane,
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
ORDER BY bucket NULLS LAST, lane NULLS LAST
LIMIT $row_limit
