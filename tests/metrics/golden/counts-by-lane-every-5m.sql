WITH measures AS (
    SELECT
        time_bucket($every, r.started_at) AS bucket,
        r.lane AS lane,
        CASE WHEN r.escalated THEN r.sample_weight ELSE 0 END AS escalated,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight ELSE 0 END AS lane_known,
        CASE WHEN r.escalated IS NOT NULL THEN 1 ELSE 0 END AS lane_known_rows,
        CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS lane_known_squares
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND r.started_at IS NOT NULL
)
SELECT
    bucket,
    lane,
    CAST(coalesce(sum(escalated), 0) AS DOUBLE) AS k,
    CAST(coalesce(sum(lane_known), 0) AS DOUBLE) AS n,
    CAST(coalesce(sum(lane_known_rows), 0) AS BIGINT) AS rows,
    CAST(power(sum(lane_known), 2) / nullif(sum(lane_known_squares), 0) AS DOUBLE) AS effective
FROM measures
GROUP BY bucket, lane
ORDER BY bucket NULLS LAST, lane NULLS LAST
LIMIT $row_limit
