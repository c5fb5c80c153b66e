WITH crossed AS (  -- an answer of a small lane and one of a large lane to the same request, both graded
    SELECT
        pair.task_type,
        coalesce(pair.sample_weight / nullif(pair.sampling_probability, 0), pair.sample_weight) AS weight,
        CASE WHEN shadow_large THEN shadow_grade ELSE answer_grade END AS large,
        CASE WHEN shadow_large THEN answer_grade ELSE shadow_grade END AS small,
        large - small AS gap,
        CASE WHEN shadow_large THEN pair.shadow_cost_usd ELSE given.cost_usd END::DOUBLE AS large_usd,
        CASE WHEN shadow_large THEN given.cost_usd ELSE pair.shadow_cost_usd END::DOUBLE AS small_usd
    FROM graded($low::TIMESTAMP, $high::TIMESTAMP, $evaluation, $grade_labels, $large) AS pair
    LEFT JOIN (
        SELECT trace_id, span_id, cost_usd FROM attempts
        WHERE started_at >= $low::TIMESTAMP - INTERVAL 7 DAY AND started_at < $high::TIMESTAMP + INTERVAL 1 HOUR
    ) AS given ON given.trace_id = pair.answer_trace_id AND given.span_id = pair.answer_span_id
    WHERE pair.shadow_large <> list_contains($large, pair.lane)
        AND answer_grade IS NOT NULL AND shadow_grade IS NOT NULL
)
SELECT
    task_type,
    count(*) AS n,
    sum(weight) AS weight,
    sum(weight * large) / sum(weight) AS large,
    sum(weight * small) / sum(weight) AS small,
    sum(weight * gap) AS gaps,
    sum(abs(weight * gap)) AS sizes,
    sum(power(weight * gap, 2)) AS squares,
    sum(power(weight, 2)) AS weights,
    sum(weight * weight * gap) AS products,
    count(*) FILTER (WHERE gap <> 0) AS deciding,
    sum(gap * gap) AS plain,
    count(*) FILTER (WHERE abs(gap) NOT IN (0, 1)) AS partial,
    sum(weight * large_usd) FILTER (WHERE small_usd IS NOT NULL)
        / nullif(sum(weight * small_usd) FILTER (WHERE large_usd IS NOT NULL), 0) AS times_the_cost
FROM crossed
GROUP BY task_type
HAVING n >= $support
ORDER BY n DESC, task_type
