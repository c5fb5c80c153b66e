-- What ways requests take, by a dimension. A way is the sequence of the calls made for a request, each by what it is
-- called with (`step`: its lane, or its model; what is no call for the user by its purpose). Calls that overlap are one
-- step, in parallel: which of them began a moment sooner is chance. Shadow calls belong to audits and are no step.
WITH asked AS (
    SELECT r.trace_id, r.span_id, r.$by AS name, r.sample_weight AS w, r.cache
    FROM requests AS r
    WHERE r.started_at >= $start AND r.started_at < $end
),
calls AS (
    SELECT
        asked.trace_id, asked.span_id, a.started_at, a.span_id AS call_id,
        CASE WHEN a.purpose = 'user' THEN coalesce(a.$step, 'unknown') ELSE a.purpose END AS step,
        a.started_at + to_microseconds(CAST(1000 * coalesce(a.duration_ms, 0) AS BIGINT)) AS ended_at
    FROM attempts AS a
    JOIN asked ON asked.span_id = a.request_span AND asked.trace_id = coalesce(a.request_trace, a.trace_id)
    WHERE a.purpose <> 'shadow'
),
counted AS (SELECT trace_id, span_id, count(*) AS calls, any_value(step) AS step FROM calls GROUP BY trace_id, span_id),
reached AS (  -- one call alone needs no order, and most requests have no other
    SELECT
        calls.*,
        max(ended_at) OVER (
            PARTITION BY trace_id, span_id ORDER BY started_at, call_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM calls
    WHERE (trace_id, span_id) IN (SELECT (trace_id, span_id) FROM counted WHERE calls > 1)
),
turns AS (
    SELECT
        *,
        count(*) FILTER (busy_until IS NULL OR started_at >= busy_until) OVER (
            PARTITION BY trace_id, span_id ORDER BY started_at, call_id ROWS UNBOUNDED PRECEDING
        ) AS turn
    FROM reached
),
together AS (
    SELECT trace_id, span_id, turn, array_to_string(list(step ORDER BY step), ' + ') AS step, count(*) AS calls
    FROM turns
    GROUP BY trace_id, span_id, turn
),
called AS (
    SELECT trace_id, span_id, list(step ORDER BY turn) AS way, CAST(sum(calls) AS BIGINT) AS steps
    FROM together
    GROUP BY trace_id, span_id
    UNION ALL
    SELECT trace_id, span_id, [step], 1 FROM counted WHERE calls = 1
),
walked AS (
    SELECT
        asked.name, asked.w,
        coalesce(called.way, [CASE WHEN asked.cache IS NULL THEN '(no call)' ELSE 'cache' END]) AS way,
        coalesce(called.steps, 0) AS steps
    FROM asked
    LEFT JOIN called ON called.trace_id = asked.trace_id AND called.span_id = asked.span_id
),
ways AS (SELECT name, way, sum(w) AS w, count(*) AS n FROM walked GROUP BY name, way),
ranked AS (
    SELECT *, w / sum(w) OVER (PARTITION BY name) AS p, row_number() OVER (PARTITION BY name ORDER BY w DESC, way) AS place
    FROM ways
),
depths AS (
    SELECT
        name, steps,
        sum(sum(w)) OVER (PARTITION BY name ORDER BY steps) / sum(sum(w)) OVER (PARTITION BY name) AS below
    FROM walked
    GROUP BY name, steps
),
pairs AS (
    SELECT name, w, unnest(list_zip(list_prepend('(start)', way), list_append(way, '(end)'))) AS pair
    FROM ways
),
branches AS (
    SELECT name, pair[1] AS step, count(DISTINCT pair[2]) AS nexts, sum(w) AS w
    FROM pairs
    GROUP BY name, pair[1]
),
means AS (SELECT name, sum(w * steps) / sum(w) AS steps_mean, sum(w) AS requests, count(*) AS n FROM walked GROUP BY name)
SELECT
    means.name,
    means.n,
    means.requests,
    (SELECT count(*) FROM ranked WHERE ranked.name IS NOT DISTINCT FROM means.name) AS paths,
    top.top_path,
    top.top_share,
    top.top_three_share,
    top.entropy_bits,
    means.steps_mean,
    (SELECT min(steps) FROM depths WHERE depths.name IS NOT DISTINCT FROM means.name AND below >= 0.95 - 1e-9) AS steps_p95,
    (SELECT sum(w * nexts) / sum(w) FROM branches WHERE branches.name IS NOT DISTINCT FROM means.name) AS branching
FROM means
JOIN (
    SELECT
        name,
        left(array_to_string(max(way) FILTER (place = 1), ' > '), 500) AS top_path,
        max(p) AS top_share,
        least(sum(p) FILTER (place <= 3), 1) AS top_three_share,
        greatest(-sum(p * log2(p)), 0) AS entropy_bits
    FROM ranked
    GROUP BY name
) AS top ON top.name IS NOT DISTINCT FROM means.name
ORDER BY means.n DESC, means.name NULLS LAST
LIMIT $row_limit
