-- One span a request and one a call.
INSERT INTO spans BY NAME
SELECT
    trace_id, span_id, parent AS parent_span_id, 'chat' AS name, 3 AS kind,
    CAST(epoch_ns(started_at) AS UBIGINT) AS start_ns, start_ns + 1000000 AS end_ns, started_at, duration_ms, 1 AS status,
    'assistant' AS service, $around AS around, $span AS span, started_at AS received_at, hash(trace_id, span_id) AS content_hash,
    'gen_ai' AS vocabularies, parent IS NULL AS is_request, FALSE AS is_gateway, FALSE AS is_decision, FALSE AS is_dispatch,
    FALSE AS is_cache_lookup, parent IS NOT NULL AS is_call, FALSE AS is_failed_call
FROM (
    SELECT trace_id, span_id, NULL::UBIGINT AS parent, started_at, duration_ms FROM requests WHERE started_at >= $since
    UNION ALL
    SELECT attempts.trace_id, attempts.span_id, requests.span_id, attempts.started_at, attempts.duration_ms
    FROM attempts JOIN requests ON requests.trace_id = attempts.trace_id
    WHERE attempts.started_at >= $since AND requests.started_at >= $since
)
ORDER BY started_at;
