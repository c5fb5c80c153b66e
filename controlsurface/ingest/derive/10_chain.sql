-- chain: every telling span with each of its ancestors (itself at distance 0). Parents that have not arrived end it.
CREATE OR REPLACE TEMP TABLE edge AS
SELECT child.trace_id, child.span_id, child.parent_span_id
FROM s AS child
JOIN s AS parent ON parent.trace_id = child.trace_id AND parent.span_id = child.parent_span_id
WHERE child.span_id <> child.parent_span_id;

CREATE OR REPLACE TEMP TABLE chain AS
WITH RECURSIVE up (trace_id, span_id, ancestor_id, distance) AS (
    SELECT trace_id, span_id, span_id, 0
    FROM s
    WHERE vocabularies IS NOT NULL
        OR is_request OR is_gateway OR is_decision OR is_dispatch OR is_call OR is_failed_call OR is_cache_lookup OR is_wrapper
        OR carries_usage(input_tokens, output_tokens, total_tokens, cost_usd)
    UNION ALL
    SELECT up.trace_id, up.span_id, edge.parent_span_id, up.distance + 1
    FROM up
    JOIN edge ON edge.trace_id = up.trace_id AND edge.span_id = up.ancestor_id
    WHERE up.distance < 64 AND edge.parent_span_id <> up.span_id  -- ends loops and absurd depths
)
SELECT trace_id, span_id, ancestor_id, distance FROM up;
