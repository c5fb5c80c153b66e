-- units: which span stands for the routed request that a call belongs to.
-- subtree: spans with user-facing calls at or below them.
CREATE OR REPLACE TEMP TABLE subtree AS
SELECT chain.trace_id, chain.ancestor_id AS span_id, count(*) AS calls
FROM calls
JOIN chain ON chain.trace_id = calls.trace_id AND chain.span_id = calls.span_id
WHERE calls.purpose = 'user'
GROUP BY ALL;

-- enclosing: request spans around calls. A call that repeats its request's attributes does not make one of its own.
CREATE OR REPLACE TEMP TABLE enclosing AS
SELECT s.trace_id, s.span_id
FROM s
JOIN subtree ON subtree.trace_id = s.trace_id AND subtree.span_id = s.span_id
ANTI JOIN (
    SELECT chain.trace_id, chain.span_id
    FROM chain
    JOIN spoken ON spoken.trace_id = chain.trace_id AND spoken.span_id = chain.span_id
    JOIN s AS above ON above.trace_id = chain.trace_id AND above.span_id = chain.ancestor_id AND above.is_request
    WHERE chain.distance > 0
) AS inside ON inside.trace_id = s.trace_id AND inside.span_id = s.span_id
WHERE s.is_request;

-- lifted: notes of a decision beside its calls speak for the nearest span around both.
CREATE OR REPLACE TEMP TABLE note AS
SELECT s.trace_id, s.span_id
FROM s
ANTI JOIN enclosing ON enclosing.trace_id = s.trace_id AND enclosing.span_id = s.span_id
LEFT JOIN spoken ON spoken.trace_id = s.trace_id AND spoken.span_id = s.span_id
WHERE s.is_decision OR (s.is_request AND spoken.span_id IS NULL);

CREATE OR REPLACE TEMP TABLE lifted AS
SELECT DISTINCT place.trace_id, place.span_id
FROM (
    SELECT note.trace_id, arg_min(chain.ancestor_id, chain.distance) AS span_id
    FROM note
    JOIN chain ON chain.trace_id = note.trace_id AND chain.span_id = note.span_id
    JOIN subtree ON subtree.trace_id = chain.trace_id AND subtree.span_id = chain.ancestor_id
    GROUP BY note.trace_id, note.span_id
) AS place
ANTI JOIN (
    SELECT chain.trace_id, chain.span_id
    FROM chain
    JOIN enclosing ON enclosing.trace_id = chain.trace_id AND enclosing.span_id = chain.ancestor_id
) AS inside ON inside.trace_id = place.trace_id AND inside.span_id = place.span_id;

CREATE OR REPLACE TEMP TABLE placed AS
SELECT chain.trace_id, chain.span_id, arg_min(chain.ancestor_id, mark.rank * 1000 + chain.distance) AS unit_id
FROM calls
JOIN chain ON chain.trace_id = calls.trace_id AND chain.span_id = calls.span_id
JOIN (
    SELECT trace_id, span_id, 1 AS rank FROM enclosing
    UNION ALL
    SELECT trace_id, span_id, 2 FROM lifted
    UNION ALL
    SELECT trace_id, span_id, 3 FROM s WHERE is_gateway
) AS mark ON mark.trace_id = chain.trace_id AND mark.span_id = chain.ancestor_id
WHERE calls.purpose = 'user'
GROUP BY chain.trace_id, chain.span_id;

-- The rest: the nearest span around two or more of them, else the call alone.
CREATE OR REPLACE TEMP TABLE loose AS
SELECT chain.trace_id, chain.span_id, chain.ancestor_id, chain.distance
FROM calls
JOIN chain ON chain.trace_id = calls.trace_id AND chain.span_id = calls.span_id
ANTI JOIN placed ON placed.trace_id = calls.trace_id AND placed.span_id = calls.span_id
WHERE calls.purpose = 'user';

INSERT INTO placed
SELECT loose.trace_id, loose.span_id, coalesce(arg_min(loose.ancestor_id, loose.distance) FILTER (WHERE shared.n > 1), loose.span_id)
FROM loose
JOIN (SELECT trace_id, ancestor_id, count(*) AS n FROM loose GROUP BY ALL) AS shared
    ON shared.trace_id = loose.trace_id AND shared.ancestor_id = loose.ancestor_id
GROUP BY loose.trace_id, loose.span_id;

-- alone: requests of which no call is known: answered from a cache, refused, or not instrumented further.
CREATE OR REPLACE TEMP TABLE alone AS
SELECT candidate.trace_id, candidate.span_id
FROM (
    SELECT trace_id, span_id FROM note
    UNION
    SELECT trace_id, span_id FROM s WHERE is_gateway
    UNION
    SELECT any_value(trace_id), any_value(span_id) FROM s
    GROUP BY trace_id HAVING count(*) = 1 AND bool_and(is_dispatch AND parent_span_id IS NULL)
) AS candidate
ANTI JOIN (  -- a unit above it, or another candidate
    SELECT chain.trace_id, chain.span_id
    FROM chain
    JOIN (
        SELECT trace_id, unit_id AS span_id FROM placed
        UNION
        SELECT trace_id, span_id FROM note
        UNION
        SELECT trace_id, span_id FROM s WHERE is_gateway
    ) AS other ON other.trace_id = chain.trace_id AND other.span_id = chain.ancestor_id
    WHERE chain.distance > 0
) AS inside ON inside.trace_id = candidate.trace_id AND inside.span_id = candidate.span_id
ANTI JOIN (  -- a unit at or below it
    SELECT chain.trace_id, chain.ancestor_id
    FROM placed
    JOIN chain ON chain.trace_id = placed.trace_id AND chain.span_id = placed.unit_id
) AS around ON around.trace_id = candidate.trace_id AND around.ancestor_id = candidate.span_id
ANTI JOIN (  -- what answers the request of another span again is no request of its own
    SELECT chain.trace_id, chain.ancestor_id
    FROM calls
    JOIN s ON s.trace_id = calls.trace_id AND s.span_id = calls.span_id
    JOIN chain ON chain.trace_id = calls.trace_id AND chain.span_id = calls.span_id AND chain.distance > 0
    JOIN s AS above ON above.trace_id = chain.trace_id AND above.span_id = chain.ancestor_id
    WHERE calls.purpose <> 'user' AND s.shadow_of IS NOT NULL AND s.shadow_of IS DISTINCT FROM above.request_id
        AND s.shadow_of <> trace_hex(above.trace_id) || '-' || span_hex(above.span_id)
) AS again ON again.trace_id = candidate.trace_id AND again.ancestor_id = candidate.span_id;

CREATE OR REPLACE TEMP TABLE unit AS
SELECT DISTINCT trace_id, unit_id AS span_id FROM placed
UNION
SELECT trace_id, span_id FROM alone;
