WITH measures AS (
    SELECT
        r.lane AS lane,
        r.bin AS bin,
        r.n AS n,
        r.weight AS weight
    FROM requests_latency_ms_1h AS r
    WHERE r.bucket >= $cut_1
        AND r.bucket < $end
        AND NOT (r.bucket >= $cut_2 AND r.bucket < $cut_3)
    UNION ALL
    SELECT
        r.lane AS lane,
        CASE WHEN r.duration_ms > 0 THEN floor(ln(r.duration_ms) / ln(1.05)) END AS bin,
        1 AS n,
        r.sample_weight AS weight
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $cut_1
        AND r.duration_ms IS NOT NULL
    UNION ALL
    SELECT
        r.lane AS lane,
        CASE WHEN r.duration_ms > 0 THEN floor(ln(r.duration_ms) / ln(1.05)) END AS bin,
        1 AS n,
        r.sample_weight AS weight
    FROM requests AS r
    WHERE r.started_at >= $cut_2
        AND r.started_at < $cut_3
        AND r.duration_ms IS NOT NULL
),
bins AS (
    SELECT
        lane,
        bin,
        sum(n) AS n,
        sum(weight) AS weight
    FROM measures
    GROUP BY lane, bin
),
reached AS (
    SELECT
        lane,
        bin,
        n,
        sum(weight) OVER (PARTITION BY lane ORDER BY bin NULLS FIRST) AS until,
        sum(weight) OVER (PARTITION BY lane) AS total
    FROM bins
),
figures AS (
    SELECT
        lane,
        min(coalesce(power(1.05, bin + 0.5), 0)) FILTER (WHERE until >= 0.95 * total) AS value,
        sum(n) AS n
    FROM reached
    GROUP BY lane
)
SELECT
    lane,
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
ORDER BY lane NULLS LAST
LIMIT $row_limit
