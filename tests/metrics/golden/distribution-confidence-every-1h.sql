WITH binned AS (
    SELECT
        time_bucket($every, r.started_at) AS bucket,
        CASE WHEN r.confidence = 1 THEN 99 ELSE floor(round(r.confidence * 100, 9)) END AS bin,
        1 AS n,
        r.sample_weight AS weight
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL)
        AND r.confidence IS NOT NULL
        AND r.started_at IS NOT NULL
)
SELECT
    bucket,
    bin / 100 AS lower,
    (bin + 1) / 100 AS upper,
    sum(weight) AS n
FROM binned
GROUP BY bucket, bin
ORDER BY bucket NULLS LAST, lower NULLS LAST
LIMIT $row_limit
