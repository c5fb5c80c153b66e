WITH binned AS (
    SELECT
        r.lane AS lane,
        CASE WHEN r.duration_ms > 0 THEN floor(ln(r.duration_ms) / ln(1.05)) END AS bin,
        1 AS n,
        r.sample_weight AS weight
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND (r.tenant IN ($tenant_0) OR r.tenant IS NULL)
        AND r.lane IN ($lane_0, $lane_1)
        AND r.duration_ms IS NOT NULL
)
SELECT
    lane,
    coalesce(power(1.05, bin), 0) AS lower,
    coalesce(power(1.05, bin + 1), 0) AS upper,
    sum(weight) AS n
FROM binned
GROUP BY lane, bin
ORDER BY lane NULLS LAST, lower NULLS LAST
LIMIT $row_limit
