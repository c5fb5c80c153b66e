-- Calls in priced that cost something else than the stored ones, by the week they lie in, of weeks that are over.
MERGE INTO restatements AS known
USING (
    SELECT
        strftime(p.started_at, '%G-W%V') AS week,
        count(*) AS calls,
        coalesce(sum(CAST(old.sample_weight AS DECIMAL(18, 6)) * old.cost_usd), 0) AS usd_before,
        coalesce(sum(CAST(old.sample_weight AS DECIMAL(18, 6)) * p.cost_usd), 0) AS usd_after
    FROM priced AS p
    JOIN attempts AS old
        ON old.span_id = p.span_id AND old.trace_id = p.trace_id AND old.started_at BETWEEN $first AND $last
        AND (old.started_at BETWEEN $near AND $far OR old.request_trace IS NOT NULL)
    WHERE (p.cost_usd, p.unpriced_parts) IS DISTINCT FROM (old.cost_usd, old.unpriced_parts)
        AND date_trunc('week', p.started_at) + INTERVAL 7 DAY <= $now
    GROUP BY week
) AS found
ON known.week = found.week AND known."at" = $asked
WHEN MATCHED THEN UPDATE SET
    calls = known.calls + found.calls,
    usd_before = known.usd_before + found.usd_before, usd_after = known.usd_after + found.usd_after
WHEN NOT MATCHED THEN INSERT VALUES (
    found.week, (SELECT coalesce(max(revision), 1) + 1 FROM restatements AS other WHERE other.week = found.week), $asked,
    $edition, $who, found.calls, found.usd_before, found.usd_after
);
