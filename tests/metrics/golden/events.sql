WITH seen AS (
    SELECT
        time_bucket($every, r.started_at) AS bucket,
        r.router_version AS router_version,
        r.answered_by AS answered_by,
        r.router AS router,
        r.task_type AS task_type,
        r.threshold AS threshold,
        1 AS n_seen,
        r.started_at AS first_at,
        r.started_at AS last_at
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND r.started_at IS NOT NULL
),
calls AS (
    SELECT
        time_bucket($every, r.started_at) AS bucket,
        r.model AS model,
        r.purpose AS purpose,
        1 AS n_seen,
        r.started_at AS first_at,
        r.started_at AS last_at
    FROM attempts AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND r.started_at IS NOT NULL
),
hourly AS MATERIALIZED (
    SELECT
        CASE
            WHEN grouping(router_version) = 0 THEN 'deploy' WHEN grouping(answered_by) = 0 THEN 'model'
            WHEN grouping(router) = 0 THEN 'config' ELSE 'setting'
        END AS kind,
        coalesce(router_version, answered_by, router) AS name,
        bucket AS hour, task_type, threshold,
        sum(n_seen) AS n, min(first_at) AS first, max(last_at) AS last
    FROM seen
    GROUP BY GROUPING SETS (
        (bucket, router_version), (bucket, answered_by), (bucket, router), (bucket, task_type, threshold)
    )
),
-- of each kind the names of most requests: whoever sends a new name with each request hides no other change
ranked AS (
    SELECT kind, name, row_number() OVER (PARTITION BY kind ORDER BY sum(n) DESC, name) AS place
    FROM (
        SELECT kind, coalesce(name, task_type) AS name, n FROM hourly
        UNION ALL SELECT 'model', model, n_seen FROM calls WHERE purpose = 'user'
        UNION ALL SELECT 'purpose', purpose, n_seen FROM calls
    )
    WHERE name IS NOT NULL
    GROUP BY kind, name
),
looked_at AS (
    SELECT kind, name FROM ranked WHERE place <= $most_names
),
named AS (
    SELECT kind, name, hour, n, first, last FROM hourly WHERE (kind, name) IN (FROM looked_at)
),
-- a model is seen when it is called, whoever answers in the end; where calls are not known, when it answers
seen_of AS (
    SELECT kind, name, min(first) AS first, max(last) AS last, sum(n) AS n FROM named GROUP BY kind, name
    UNION ALL
    SELECT 'model', model, min(first_at), max(last_at), sum(n_seen) FROM calls
    WHERE ('model', model) IN (FROM looked_at) AND purpose = 'user' GROUP BY model
    UNION ALL
    SELECT 'purpose', purpose, min(first_at), max(last_at), sum(n_seen) FROM calls
    WHERE purpose NOT IN ('shadow', 'judge') AND ('purpose', purpose) IN (FROM looked_at) GROUP BY purpose  -- these look on and change nothing for the user
),
lives AS (
    SELECT
        kind, name, min(first) AS first, max(last) AS last, max(n) AS n,
        (epoch(max(last)) - epoch(min(first))) / max(n) AS usual_gap_s,
        min(min(first)) OVER (PARTITION BY kind) AS earliest,
        max(max(last)) OVER (PARTITION BY kind) AS latest
    FROM seen_of
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
-- the share of a version or model among all requests with one, three hours before and after each hour
hours AS (
    SELECT kind, name, hour, n FROM named WHERE kind <> 'config'
),
grid AS (
    SELECT names.kind, names.name, totals.hour, coalesce(hours.n, 0) AS n, totals.total
    FROM (SELECT DISTINCT kind, name FROM hours) AS names
    JOIN (SELECT kind, hour, sum(n) AS total FROM hours GROUP BY kind, hour) AS totals ON totals.kind = names.kind
    LEFT JOIN hours ON hours.kind = names.kind AND hours.name = names.name AND hours.hour = totals.hour
),
shares AS (
    SELECT
        kind, name, hour, first_value(n) OVER past AS long_before,
        coalesce(sum(n) OVER (PARTITION BY kind, name ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
            AS answered_before,
        CASE WHEN sum(total) OVER past >= 30 THEN sum(total) OVER past END AS n_before,
        CASE WHEN sum(total) OVER coming >= 30 THEN sum(total) OVER coming END AS n_after,
        sum(n) OVER past / n_before AS before,
        sum(n) OVER coming / n_after AS after
    FROM grid
    WINDOW
        past AS (PARTITION BY kind, name ORDER BY hour ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING),
        coming AS (PARTITION BY kind, name ORDER BY hour ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING)
),
steps AS (
    SELECT
        *,
        max(abs(after - before)) OVER (
            PARTITION BY kind, name ORDER BY hour ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING
        ) AS steepest,
        (before * n_before + after * n_after) / (n_before + n_after) AS pooled
    FROM shares
),
-- five standard errors: with a model's share in every hour of a month there are thousands of chances to be wrong
moves AS (
    SELECT kind, hour, name, before, after
    FROM steps
    -- a model that was called before and never answered moves too
    WHERE (long_before > 0 OR kind = 'model' AND answered_before = 0) AND abs(after - before) = steepest
        AND after - before > CASE kind WHEN 'deploy' THEN 0.3 ELSE 0.2 END
        AND after - before > 5 * sqrt(pooled * (1 - pooled) * (1 / n_before + 1 / n_after))
        AND NOT EXISTS (
            SELECT 1 FROM turns
            WHERE turns.kind IN (steps.kind, 'deploy') AND turns.what = 'first seen'
                AND abs(epoch(turns.moment) - epoch(steps.hour)) < 10800
        )
),
-- what nearly all requests of a task type are held against, hour by hour
settings AS (
    SELECT task_type, hour, threshold, n, first FROM hourly
    WHERE kind = 'setting' AND threshold IS NOT NULL
        AND (task_type IS NULL OR ('setting', task_type) IN (FROM looked_at))
),
held AS (
    SELECT task_type, hour, arg_max(threshold, n) AS threshold
    FROM settings
    GROUP BY task_type, hour
    HAVING max(n) >= 5 AND max(n) >= 0.8 * sum(n)
),
dominant AS (
    SELECT
        task_type, hour, threshold,
        lag(threshold) OVER in_order AS before,
        lead(threshold) OVER in_order AS following
    FROM held
    WINDOW in_order AS (PARTITION BY task_type ORDER BY hour)
),
-- a threshold moved when the new one stays; where a version changes with it, the version says it
tuned AS (
    SELECT task_type, before, threshold, (
        SELECT min(settings.first) FROM settings
        WHERE settings.task_type IS NOT DISTINCT FROM dominant.task_type AND settings.threshold = dominant.threshold
            AND settings.hour BETWEEN dominant.hour - INTERVAL 1 HOUR AND dominant.hour
    ) AS moment
    FROM dominant
    WHERE before <> threshold AND coalesce(following, threshold) = threshold
),
tunings AS (
    SELECT
        min(moment) AS moment, count(*) AS n,
        string_agg(
            coalesce(task_type, 'unknown task') || ' ' || printf('%g', before) || ' → ' || printf('%g', threshold),
            ', ' ORDER BY task_type
        ) AS moved
    FROM tuned
    WHERE NOT EXISTS (
        SELECT 1 FROM (
            SELECT moment FROM turns WHERE kind = 'deploy' UNION ALL SELECT hour FROM moves WHERE kind = 'deploy'
        ) AS deploys
        WHERE abs(epoch(deploys.moment) - epoch(tuned.moment)) < 10800
    )
    GROUP BY time_bucket(INTERVAL 2 HOUR, moment)
),
-- one price following another, of models that are called; the user's own prices go before the list's
paid AS (
    SELECT *, min(CASE source WHEN 'user' THEN 1 ELSE 2 END) OVER (PARTITION BY provider, model) AS trusted
    FROM prices_in_force
    WHERE tier_from = 0 AND time_from IS NULL AND service_tier IS NULL AND coalesce(mode, 'realtime') = 'realtime'
),
dearer AS (
    SELECT DISTINCT
        model_name(new.model) AS model, new.valid_from,
        old.input_usd_per_mtok AS old_input, new.input_usd_per_mtok AS new_input,
        old.output_usd_per_mtok AS old_output, new.output_usd_per_mtok AS new_output, coalesce(new.currency, 'USD') AS currency
    FROM paid AS new
    JOIN paid AS old
        ON old.model = new.model AND old.provider IS NOT DISTINCT FROM new.provider AND old.source = new.source
        AND old.valid_to = new.valid_from
    WHERE new.trusted = CASE new.source WHEN 'user' THEN 1 ELSE 2 END
        AND (old_input, old_output, old.currency) IS DISTINCT FROM (new_input, new_output, new.currency)
        AND coalesce(new_input, new_output) IS NOT NULL AND coalesce(old_input, old_output) IS NOT NULL
        AND model_name(new.model) IN (SELECT name FROM lives WHERE kind = 'model')
),
-- where one name follows another, the new one says it all
news AS (
    SELECT turns.*
    FROM turns
    WHERE what = 'first seen' OR NOT EXISTS (
        SELECT 1 FROM (
            SELECT kind, moment FROM turns WHERE what = 'first seen' UNION ALL SELECT kind, hour FROM moves
        ) AS coming
        WHERE coming.kind = turns.kind AND abs(epoch(coming.moment) - epoch(turns.moment)) < 10800
    )
)
SELECT "at", kind, title, detail, source FROM events
WHERE "at" >= $since AND "at" < $until
UNION ALL
SELECT
    moment, CASE kind WHEN 'purpose' THEN 'config' ELSE kind END,
    CASE kind WHEN 'config' THEN 'router ' WHEN 'purpose' THEN 'calls for ' ELSE '' END || name || ' ' || what,
    NULL, 'requests'
FROM news
WHERE moment >= $since AND moment < $until
UNION ALL
SELECT
    hour, kind, name || ' ' || round(before * 100)::INTEGER || ' % → ' || round(after * 100)::INTEGER || ' %',
    'share of requests, three hours before and after', 'requests'
FROM moves
WHERE hour >= $since AND hour < $until
UNION ALL
SELECT
    moment, 'config',
    CASE WHEN n = 1 THEN 'threshold of ' || moved ELSE 'thresholds of ' || n || ' task types moved' END,
    CASE WHEN n > 1 THEN moved END, 'requests'
FROM tunings
WHERE moment >= $since AND moment < $until
UNION ALL
SELECT
    valid_from::TIMESTAMP, 'price',
    model || ' costs ' || printf('%g', new_input::DOUBLE) || ' + ' || printf('%g', new_output::DOUBLE) || ' ' || currency,
    'per million tokens in and out; before ' || printf('%g', old_input::DOUBLE) || ' + '
        || printf('%g', old_output::DOUBLE), 'prices'
FROM dearer
WHERE valid_from >= $since AND valid_from < $until
UNION ALL
SELECT NULL, NULL, CAST(count(*) AS VARCHAR), NULL, '(left out)' FROM ranked WHERE place > $most_names HAVING count(*) > 0
ORDER BY 1, 2, 3
LIMIT $row_limit
