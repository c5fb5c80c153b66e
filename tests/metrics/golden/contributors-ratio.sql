WITH joint AS (
SELECT
    said.*,
    chosen, n, whole, part, squares, products, weights
FROM (
    SELECT
        first({'task_type': task_type, 'router': router, 'router_version': router_version, 'mode': mode, 'cache': cache, 'gate': gate, 'error_type': error_type, 'tenant': tenant, 'team': team, 'job': job, 'environment': environment, 'service': service, 'architecture': architecture, 'requested_model': requested_model, 'reason': reason, 'confidence_kind': confidence_kind}) AS said,
        chosen,
        sum(n) AS n,
        sum(whole) AS whole,
        sum(part) AS part,
        sum(part * part) AS squares,
        sum(part * whole) AS products,
        sum(whole * whole) AS weights
    FROM (
        SELECT
            r.task_type,
            r.router,
            r.router_version,
            r.mode,
            r.cache,
            r.gate,
            r.error_type,
            r.tenant,
            r.team,
            r.job,
            r.environment,
            r.service,
            r.architecture,
            r.requested_model,
            r.reason,
            r.confidence_kind,
            (r.started_at >= $start AND r.started_at < $end) AS chosen,
            CASE WHEN r.escalated IS NOT NULL THEN 1 ELSE 0 END AS n,
            CAST(CASE WHEN r.escalated IS NOT NULL THEN r.sample_weight ELSE 0 END AS DOUBLE) AS whole,
            coalesce(CAST(CASE WHEN r.escalated THEN r.sample_weight ELSE 0 END AS DOUBLE), 0) AS part
        FROM requests AS r
    WHERE (r.tenant IN ($tenant_0) OR r.tenant IS NULL)
        AND r.lane IN ($lane_0, $lane_1)
        AND ((r.started_at >= $start AND r.started_at < $end) OR (r.started_at >= $baseline_start AND r.started_at < $baseline_end))
    )
    -- a third quicker than by the names themselves; among 100,000 combinations two share 64 bits once in 4 billion
    GROUP BY hash(task_type, router, router_version, mode, cache, gate, error_type, tenant, team, job, environment, service, architecture, requested_model, reason, confidence_kind), chosen
)
),
marked AS (
    SELECT *, hash(chosen, task_type, router, router_version, mode, cache, gate, error_type, tenant, team, job, environment, service, architecture, requested_model, reason, confidence_kind) AS mark  -- two values with the same rows are in the same combinations
    FROM joint
),
summed AS (
    SELECT
        dimension, value, chosen,
        sum(n) AS n, sum(whole) AS whole, sum(part) AS part,
        sum(squares) AS squares, sum(products) AS products, sum(weights) AS weights,
        bit_xor(mark) AS mark
    FROM (  -- each combination as the whole and once for each dimension: grouping sets take much longer to plan
        SELECT
            unnest([NULL, 'task_type', 'router', 'router_version', 'mode', 'cache', 'gate', 'error_type', 'tenant', 'team', 'job', 'environment', 'service', 'architecture', 'requested_model', 'reason', 'confidence_kind']) AS dimension,
            unnest([NULL, task_type, router, router_version, mode, cache, gate, error_type, tenant, team, job, environment, service, architecture, requested_model, reason, confidence_kind]) AS value,
            chosen, n, whole, part, squares, products, weights, mark
        FROM marked
    )
    GROUP BY ALL
),
paired AS (
    SELECT
        dimension, value, bit_xor(mark) AS mark,
        coalesce(sum(n) FILTER (WHERE chosen), 0) AS n_1, coalesce(sum(n) FILTER (WHERE NOT chosen), 0) AS n_0,
        coalesce(sum(whole) FILTER (WHERE chosen), 0) AS whole_1,
        coalesce(sum(whole) FILTER (WHERE NOT chosen), 0) AS whole_0,
        coalesce(sum(part) FILTER (WHERE chosen), 0) AS part_1,
        coalesce(sum(part) FILTER (WHERE NOT chosen), 0) AS part_0,
        coalesce(sum(squares) FILTER (WHERE chosen), 0) AS squares_1,
        coalesce(sum(squares) FILTER (WHERE NOT chosen), 0) AS squares_0,
        coalesce(sum(products) FILTER (WHERE chosen), 0) AS products_1,
        coalesce(sum(products) FILTER (WHERE NOT chosen), 0) AS products_0,
        coalesce(sum(weights) FILTER (WHERE chosen), 0) AS weights_1,
        coalesce(sum(weights) FILTER (WHERE NOT chosen), 0) AS weights_0
    FROM summed
    GROUP BY dimension, value
),
everything AS (
    SELECT
        whole_1 AS all_1, whole_0 AS all_0, part_0 AS all_part_0,
        CASE WHEN $total THEN 1 ELSE 1 / nullif(whole_1, 0) END AS norm_1,
        CASE WHEN $total THEN $scale ELSE 1 / nullif(whole_0, 0) END AS norm_0,
        part_1 / nullif(whole_1, 0) AS rate_1, part_0 / nullif(whole_0, 0) AS rate_0,
        CASE WHEN $total THEN part_1 - $scale * part_0 ELSE rate_1 - rate_0 END AS all_moved,
        -- of a share, the rarer outcome is what is compared: failures, not successes
        $ratio AND 2 * (part_1 + part_0) > whole_1 + whole_0 AS turned,
        CASE WHEN turned THEN whole_1 - part_1 ELSE part_1 END AS all_event_1,
        CASE WHEN turned THEN whole_0 - part_0 ELSE part_0 END AS all_event_0,
        CASE WHEN turned THEN weights_1 - 2 * products_1 + squares_1 ELSE squares_1 END AS all_power_1,
        CASE WHEN turned THEN weights_0 - 2 * products_0 + squares_0 ELSE squares_0 END AS all_power_0
    FROM paired
    WHERE dimension IS NULL
),
set_against AS (
    SELECT
        paired.*, everything.*,
        CASE WHEN $total THEN 0 ELSE (rate_1 + rate_0) / 2 END AS middle,
        part_1 / nullif(whole_1, 0) AS own_1, part_0 / nullif(whole_0, 0) AS own_0,
        part_1 * norm_1 - part_0 * norm_0 - middle * (whole_1 * norm_1 - whole_0 * norm_0) AS moved,
        coalesce((own_1 - own_0) * (whole_1 * norm_1 + whole_0 * norm_0) / 2, 0) AS rate,
        CASE WHEN turned THEN whole_1 - part_1 ELSE part_1 END AS event_1,
        CASE WHEN turned THEN whole_0 - part_0 ELSE part_0 END AS event_0,
        CASE WHEN turned THEN weights_1 - 2 * products_1 + squares_1 ELSE squares_1 END AS power_1,
        CASE WHEN turned THEN weights_0 - 2 * products_0 + squares_0 ELSE squares_0 END AS power_0,
        (event_1 + event_0) / nullif(all_event_1 + all_event_0, 0) AS share,
        (power_1 + power_0) / nullif(all_power_1 + all_power_0, 0) AS power,
        (power(1 - share, 2) * power + power(share, 2) * (1 - power))
            * (all_power_1 / nullif(power(all_event_1, 2), 0) + all_power_0 / nullif(power(all_event_0, 2), 0)) AS noise,
        CASE WHEN turned THEN -1 ELSE 1 END
            * (event_1 / nullif(all_event_1, 0) - event_0 / nullif(all_event_0, 0)) AS shifted,
        power(norm_1, 2) * (squares_1 - 2 * middle * products_1 + power(middle, 2) * weights_1)
            + power(norm_0, 2) * (squares_0 - 2 * middle * products_0 + power(middle, 2) * weights_0) AS spread,
        count(*) OVER (PARTITION BY dimension) AS distinct_values,
        sum(abs(moved)) OVER (PARTITION BY dimension) AS moved_in_all,
        -- beyond its due: what it would have moved with the whole, by its part of the baseline
        moved - coalesce(part_0 / nullif(all_part_0, 0), 0) * all_moved AS excess,
        -- how much of the metric's variance the dimension holds, in either window; values without support hold none
        sum(CASE WHEN n_1 >= $support THEN whole_1 * power(own_1 - rate_1, 2) END) OVER (PARTITION BY dimension)
            / nullif(all_1 * rate_1 * (1 - rate_1), 0) AS held_1,
        sum(CASE WHEN n_0 >= $support THEN whole_0 * power(own_0 - rate_0, 2) END) OVER (PARTITION BY dimension)
            / nullif(all_0 * rate_0 * (1 - rate_0), 0) AS held_0
    FROM paired CROSS JOIN everything
)
SELECT
    dimension, value,
    CASE WHEN $total THEN part_0 * norm_0 ELSE own_0 END AS before,
    CASE WHEN $total THEN part_1 ELSE own_1 END AS after,
    whole_0 / nullif(all_0, 0) AS share_before,
    whole_1 / nullif(all_1, 0) AS share_after,
    CAST(n_0 AS BIGINT) AS n_before,
    CAST(n_1 AS BIGINT) AS n,
    moved AS delta,
    moved - rate AS mix,
    rate,
    moved / nullif(all_moved, 0) AS share,
    CASE WHEN $total AND dimension IS NOT NULL THEN excess END AS excess,
    CASE WHEN dimension IS NULL OR $total THEN coalesce(moved / sqrt(nullif(spread, 0)), 0)
        ELSE coalesce(shifted / sqrt(nullif(noise, 0)), moved / sqrt(nullif(spread, 0)), 0) END AS z,
    $ratio AND coalesce(held_1 > $restates AND held_0 > $restates, FALSE) AS restates,
    NOT $ratio AS of_amounts,
    CAST(distinct_values AS BIGINT) AS distinct_values,
    CAST(mark AS VARCHAR) AS mark,
    coalesce(dimension IN ('requested_model', 'reason', 'cache', 'gate', 'error_type', 'confidence_kind'), FALSE) AS follows,
    max(CASE WHEN dimension IS NULL THEN z END) OVER () AS surely,
    -- the other side of what changed: it has less of what there is more of, or gave its place in the rows to another
    coalesce(NOT $total AND share_after - share_before <= $came_up AND (abs(surely) >= $sure AND z * surely < 0
        OR share_before - share_after > $came_up), FALSE) AS opposes,
    -- a total goes by what is contributed beyond its due, towards the change where most of the dimension went that way
    CASE WHEN NOT $total THEN abs(z)
        ELSE (CASE WHEN abs(all_moved) >= $mostly * moved_in_all THEN sign(all_moved) * excess ELSE abs(excess) END)
            * (CASE WHEN follows AND excess * all_moved > 0 THEN $counts ELSE 1 END)
    END AS strength,
    n_1, n_0, whole_1, whole_0, part_1, part_0, squares_1, squares_0, products_1, products_0, weights_1, weights_0
FROM set_against
WHERE dimension IS NULL OR (
    distinct_values > least($support, 1) AND moved IS NOT NULL
    AND (NOT $total AND (n_1 >= $support OR n_0 >= $support)
        OR NOT $ratio AND ($support = 0 OR moved <> 0 AND abs(moved) >= $least_share * moved_in_all))
)
ORDER BY dimension IS NOT NULL, restates, follows AND NOT $total, opposes, round(strength, 9) DESC, value IS NULL, dimension, value
LIMIT $row_limit
