-- The stored rows of the calls in priced, and of their requests, take what these cost now; their buckets are marked.
INSERT INTO rollup_dirty
WITH changed AS (
    SELECT DISTINCT time_bucket(INTERVAL 5 MINUTES, started_at) AS bucket
    FROM (SELECT started_at FROM priced UNION ALL SELECT started_at FROM chosen)
)
SELECT 300, bucket FROM changed UNION SELECT 3600, time_bucket(INTERVAL 1 HOUR, bucket) FROM changed;

UPDATE attempts SET price_edition = priced.price_edition, span_cost_usd = priced.span_cost_usd, $set_money
FROM priced
WHERE attempts.span_id = priced.span_id AND attempts.trace_id = priced.trace_id
    AND attempts.started_at BETWEEN $first AND $last
    AND (attempts.started_at BETWEEN $near AND $far OR attempts.request_trace IS NOT NULL);

UPDATE requests SET
    cost_usd = CASE WHEN chosen.cache IS NOT NULL AND costs.priced THEN coalesce(costs.cost_usd, 0) ELSE costs.cost_usd END,
    cost_source = CASE WHEN chosen.cache IS NOT NULL AND costs.priced THEN coalesce(costs.cost_source, 'cache')
        ELSE costs.cost_source END,
    priced = costs.priced, overhead_usd = costs.overhead_usd,
    own_large_usd = costs.own_large_usd, own_small_usd = costs.own_small_usd,
    shadow_large_usd = costs.shadow_large_usd, shadow_small_usd = costs.shadow_small_usd
FROM chosen JOIN request_costs AS costs ON costs.request_span = chosen.span_id AND costs.request_trace = chosen.trace_id
WHERE requests.span_id = chosen.span_id AND requests.trace_id = chosen.trace_id
    AND requests.started_at >= $low AND requests.started_at < $until;
