-- batch: decoded spans with their times, their hash and what the vocabularies read from them. What lies before the time
-- from which nothing changes any more is left out: the rows that it would correct may be gone.
SELECT
    make_timestamp(CAST(received_ns // 1000 AS BIGINT)) AS received_at,
    CAST(trace_id AS UUID) AS trace_id,
    span_id,
    parent_span_id,
    name,
    kind,
    start_ns,
    end_ns,
    CASE WHEN possible(start_ns) THEN make_timestamp(CAST(start_ns // 1000 AS BIGINT)) ELSE received_at END AS started_at,
    CASE WHEN possible(start_ns) AND possible(end_ns) AND end_ns >= start_ns THEN (end_ns - start_ns) / 1e6 END AS duration_ms,
    status,
    status_message,
    service,
    around,
    span,
    hash(around, span) AS content_hash,
    $columns
FROM decoded
WHERE started_at >= frozen_before()
