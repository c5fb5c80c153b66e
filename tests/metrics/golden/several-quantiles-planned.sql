WITH measures AS (
    SELECT
        r.bin AS bin,
        r.n AS n,
        r.weight AS weight
    FROM requests_latency_ms_1h AS r
    WHERE r.bucket >= $cut_1
        AND r.bucket < $end
        AND NOT (r.bucket >= $cut_2 AND r.bucket < $cut_3)
    UNION ALL
    SELECT
        CASE WHEN r.duration_ms > 0 THEN floor(ln(r.duration_ms) / ln(1.05)) END AS bin,
        1 AS n,
        r.sample_weight AS weight
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $cut_1
        AND r.duration_ms IS NOT NULL
    UNION ALL
    SELECT
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
        bin,
        sum(n) AS n,
        sum(weight) AS weight
    FROM measures
    GROUP BY bin
),
reached AS (
    SELECT
        bin,
        n,
        sum(weight) OVER (ORDER BY bin NULLS FIRST) AS until,
        sum(weight) OVER () AS total
    FROM bins
),
figures AS (
    SELECT
        min(coalesce(power(1.05, bin + 0.5), 0)) FILTER (WHERE until >= 0.5 * total) AS latency_p50,
        min(coalesce(power(1.05, bin + 0.5), 0)) FILTER (WHERE until >= 0.95 * total) AS latency_p95,
        sum(n) AS n
    FROM reached
)
SELECT
    CAST(latency_p50 AS DOUBLE) AS latency_p50,
    CAST(coalesce(n, 0) AS BIGINT) AS latency_p50_n,
    CAST(latency_p95 AS DOUBLE) AS latency_p95,
    CAST(coalesce(n, 0) AS BIGINT) AS latency_p95_n
FROM figures
LIMIT $row_limit
