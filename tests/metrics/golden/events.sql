WITH named AS (
    SELECT 'deploy' AS kind, router_version AS name, started_at
    FROM requests
    WHERE started_at >= $start - INTERVAL 7 DAY AND started_at < $end AND router_version IS NOT NULL
    UNION ALL
    SELECT 'model', answered_by, started_at
    FROM requests
    WHERE started_at >= $start - INTERVAL 7 DAY AND started_at < $end AND answered_by IS NOT NULL
),
lives AS (
    SELECT
        kind, name, min(started_at) AS first, max(started_at) AS last, count(*) AS n,
        (epoch(max(started_at)) - epoch(min(started_at))) / count(*) AS usual_gap_s,
        min(min(started_at)) OVER (PARTITION BY kind) AS earliest,
        max(max(started_at)) OVER (PARTITION BY kind) AS latest
    FROM named
    GROUP BY kind, name
),
-- an absence twenty times longer than the usual gap is no accident (e to the minus 20)
turns AS (
    SELECT kind, name, first AS moment, 'first seen' AS what
    FROM lives
    WHERE n >= 5 AND epoch(first) - epoch(earliest) > greatest(20 * usual_gap_s, 60)
    UNION ALL
    SELECT kind, name, last, 'last seen'
    FROM lives
    WHERE n >= 5 AND epoch(latest) - epoch(last) > greatest(20 * usual_gap_s, 60)
),
-- the share of a version among all requests with one, three hours before and after each hour
hours AS (
    SELECT name, time_bucket(INTERVAL 1 HOUR, started_at) AS hour, count(*) AS n
    FROM named WHERE kind = 'deploy' GROUP BY name, hour
),
grid AS (
    SELECT names.name, totals.hour, coalesce(hours.n, 0) AS n, totals.total
    FROM (SELECT DISTINCT name FROM hours) AS names
    CROSS JOIN (SELECT hour, sum(n) AS total FROM hours GROUP BY hour) AS totals
    LEFT JOIN hours ON hours.name = names.name AND hours.hour = totals.hour
),
shares AS (
    SELECT
        name, hour, first_value(n) OVER past AS long_before,
        sum(n) OVER past / nullif(CASE WHEN sum(total) OVER past >= 30 THEN sum(total) OVER past END, 0) AS before,
        sum(n) OVER coming / nullif(CASE WHEN sum(total) OVER coming >= 30 THEN sum(total) OVER coming END, 0) AS after
    FROM grid
    WINDOW
        past AS (PARTITION BY name ORDER BY hour ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING),
        coming AS (PARTITION BY name ORDER BY hour ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING)
),
steps AS (
    SELECT *, max(abs(after - before)) OVER (
        PARTITION BY name ORDER BY hour ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING
    ) AS steepest
    FROM shares
),
moves AS (
    SELECT hour, name, before, after
    FROM steps
    WHERE long_before > 0 AND after - before > 0.3 AND abs(after - before) = steepest AND NOT EXISTS (
        SELECT 1 FROM turns
        WHERE kind = 'deploy' AND what = 'first seen' AND abs(epoch(turns.moment) - epoch(hour)) < 10800
    )
),
-- where one name follows another, the new one says it all
news AS (
    SELECT turns.*
    FROM turns
    WHERE what = 'first seen' OR NOT EXISTS (
        SELECT 1 FROM (
            SELECT kind, moment FROM turns WHERE what = 'first seen' UNION ALL SELECT 'deploy', hour FROM moves
        ) AS coming
        WHERE coming.kind = turns.kind AND abs(epoch(coming.moment) - epoch(turns.moment)) < 10800
    )
)
SELECT "at", kind, title, detail, source FROM events
WHERE "at" >= $start AND "at" < $end
UNION ALL
SELECT moment, kind, name || ' ' || what, NULL, 'requests' FROM news
WHERE moment >= $start AND moment < $end
UNION ALL
SELECT
    hour, 'deploy', name || ' ' || round(before * 100)::INTEGER || ' % → ' || round(after * 100)::INTEGER || ' %',
    'share of requests, three hours before and after', 'requests'
FROM moves
WHERE hour >= $start AND hour < $end
ORDER BY 1, 2, 3
LIMIT $row_limit
