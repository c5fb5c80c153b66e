-- calls: model calls that have no such call for the same purpose below them; wrappers repeat their totals.
CREATE OR REPLACE TEMP TABLE calls AS
SELECT
    s.trace_id,
    s.span_id,
    s.start_ns,
    s.end_ns,
    coalesce(s.purpose, 'user') AS purpose,
    s.is_call AND coalesce(s.cache_hit, FALSE) AS cached
FROM s
ANTI JOIN (
    SELECT DISTINCT chain.trace_id, chain.ancestor_id, coalesce(below.purpose, 'user') AS purpose
    FROM chain
    JOIN s AS below ON below.trace_id = chain.trace_id AND below.span_id = chain.span_id AND below.is_call
    WHERE chain.distance > 0
) AS inner_call
    ON inner_call.trace_id = s.trace_id
    AND inner_call.ancestor_id = s.span_id
    AND inner_call.purpose = coalesce(s.purpose, 'user')
    AND s.is_call
WHERE s.is_call OR s.is_failed_call;
