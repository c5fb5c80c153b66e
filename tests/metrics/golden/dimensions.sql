SELECT dimension, value, n, distinct_values
FROM (
    (SELECT 0 AS position, 'lane' AS dimension, r.lane AS value, sum(r.sample_weight) AS n, count(*) OVER () AS distinct_values
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
    GROUP BY r.lane
    ORDER BY n DESC, value NULLS LAST
    LIMIT $value_limit)
UNION ALL
    (SELECT 1 AS position, 'tenant' AS dimension, r.tenant AS value, sum(r.sample_weight) AS n, count(*) OVER () AS distinct_values
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
    GROUP BY r.tenant
    ORDER BY n DESC, value NULLS LAST
    LIMIT $value_limit)
) AS listed
ORDER BY position, n DESC, value NULLS LAST
