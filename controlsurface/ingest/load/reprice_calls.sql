-- chosen: the requests of this step. loose: calls that belong to none.
CREATE OR REPLACE TEMP TABLE chosen AS
SELECT request_id, trace_id, span_id, cache, started_at FROM requests WHERE started_at >= $low AND started_at < $until;

-- new_attempts: all calls of these requests, as the derivation hands them to pricing. A call of a release that kept no
-- costs of spans has that which priced it.
CREATE OR REPLACE TEMP TABLE new_attempts AS
SELECT
    a.* EXCLUDE ($money, price_edition, span_cost_usd, request_trace, request_span),
    coalesce(a.span_cost_usd, CASE WHEN a.cost_source = 'span' THEN a.cost_usd END) AS span_cost_usd,
    chosen.trace_id AS request_trace,
    chosen.span_id AS request_span,
    $edition AS price_edition
FROM attempts AS a
LEFT JOIN chosen ON chosen.span_id = a.request_span AND chosen.trace_id = coalesce(a.request_trace, a.trace_id)
WHERE a.started_at BETWEEN $first AND $last
    AND (chosen.span_id IS NOT NULL OR (a.request_span IS NULL AND a.started_at >= $low AND a.started_at < $until));
