WITH measures AS (
    SELECT
        time_bucket($every, r.bucket) AS bucket,
        r.lane AS lane,
        r.escalated AS escalated,
        r.lane_known AS lane_known,
        r.lane_known_rows AS lane_known_rows,
        r.lane_known_squares AS lane_known_squares
    FROM requests_owners_1h AS r
    WHERE r.bucket >= $cut_1
        AND r.bucket < $end
        AND NOT (r.bucket >= $cut_2 AND r.bucket < $cut_3)
        AND (r.tenant IN ($tenant_0) OR r.tenant IS NULL)
        AND r.lane IN ($lane_0, $lane_1)
    UNION ALL
    SELECT
        time_bucket($every, r.started_at) AS bucket,
        r.lane AS lane,
        CASE WHEN r.escalated THEN r.sample_weight ELSE 0 END AS escalated,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight ELSE 0 END AS lane_known,
        CASE WHEN r.escalated IS NOT NULL THEN 1 ELSE 0 END AS lane_known_rows,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS lane_known_squares
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $cut_1
        AND (r.tenant IN ($tenant_0) OR r.tenant IS NULL)
        AND r.lane IN ($lane_0, $lane_1)
        AND r.started_at IS NOT NULL
    UNION ALL
    SELECT
        time_bucket($every, r.started_at) AS bucket,
        r.lane AS lane,
        CASE WHEN r.escalated THEN r.sample_weight ELSE 0 END AS escalated,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight ELSE 0 END AS lane_known,
        CASE WHEN r.escalated IS NOT NULL THEN 1 ELSE 0 END AS lane_known_rows,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS lane_known_squares
    FROM requests AS r
    WHERE r.started_at >= $cut_2
        AND r.started_at < $cut_3
        AND (r.tenant IN ($tenant_0) OR r.tenant IS NULL)
        AND r.lane IN ($lane_0, $lane_1)
        AND r.started_at IS NOT NULL
),
figures AS (
    SELECT
        bucket,
        lane,
        sum(escalated) / nullif(sum(lane_known), 0) AS value,
        sum(lane_known_rows) AS n,
        power(sum(lane_known), 2) / nullif(sum(lane_known_squares), 0) AS effective
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
