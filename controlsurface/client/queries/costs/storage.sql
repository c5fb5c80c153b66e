-- What the spans, requests and calls of a window take in the store, by a dimension. Spans belong to the requests
-- of their trace, to several in equal parts; those of a trace without a request stand in a row of their own. Bytes are those of the spans
-- as they are kept, before the store compresses them.
WITH traces AS (
    SELECT s.trace_id, count(*) AS spans, sum(octet_length(s.around) + octet_length(s.span)) AS bytes
    FROM spans AS s
    WHERE s.started_at >= $start AND s.started_at < $end
    GROUP BY s.trace_id
),
asked AS (  -- of a trace that lies across an edge of the window, too
    SELECT r.trace_id, $by AS name, count(*) AS n
    FROM requests AS r
    WHERE r.started_at >= $start - INTERVAL 1 HOUR AND r.started_at < $end + INTERVAL 1 HOUR
    GROUP BY ALL
),
parts AS (SELECT *, n / sum(n) OVER (PARTITION BY trace_id) AS part FROM asked),
spread AS (
    SELECT
        parts.name, parts.trace_id IS NOT NULL AS assigned, 0 AS requests, 0 AS calls,
        traces.spans * coalesce(parts.part, 1) AS spans, traces.bytes * coalesce(parts.part, 1) AS bytes
    FROM traces
    LEFT JOIN parts ON parts.trace_id = traces.trace_id
    UNION ALL
    SELECT $by AS name, TRUE, 1, r.steps, 0, 0
    FROM requests AS r
    WHERE r.started_at >= $start AND r.started_at < $end
)
SELECT
    name, assigned,
    CAST(sum(requests) AS BIGINT) AS requests,
    CAST(sum(calls) AS BIGINT) AS calls,
    CAST(sum(spans) AS DOUBLE) AS spans,
    CAST(sum(bytes) AS DOUBLE) AS span_bytes
FROM spread
GROUP BY name, assigned
ORDER BY span_bytes DESC, name NULLS LAST
LIMIT $row_limit
