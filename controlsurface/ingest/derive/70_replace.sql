-- The rows of all touched traces, as they are now: those that begin within reach of the batch. What begins further away
-- was derived with spans that nobody looked for now, and stays.
-- Buckets that lose or get a row are marked: their roll-ups are no longer right.
WITH gone_requests AS (
    DELETE FROM requests
    WHERE $seen_before AND started_at BETWEEN $low AND $high AND trace_id IN (SELECT trace_id FROM touched)
    RETURNING started_at
),
gone_attempts AS (
    DELETE FROM attempts
    WHERE $seen_before AND started_at BETWEEN $low AND $high AND trace_id IN (SELECT trace_id FROM touched)
    RETURNING started_at
),
changed AS (
    SELECT DISTINCT time_bucket(INTERVAL 5 MINUTES, started_at) AS bucket
    FROM (
        FROM gone_requests UNION ALL FROM gone_attempts
        UNION ALL SELECT started_at FROM new_requests UNION ALL SELECT started_at FROM priced
    )
    WHERE started_at BETWEEN $low AND $high
)
INSERT INTO rollup_dirty
SELECT 300, bucket FROM changed UNION SELECT 3600, time_bucket(INTERVAL 1 HOUR, bucket) FROM changed;
INSERT INTO requests BY NAME SELECT * FROM new_requests WHERE started_at BETWEEN $low AND $high;
INSERT INTO attempts BY NAME
SELECT
    priced.* EXCLUDE (request_trace, start_ns, end_ns, mode, sample_rate, routed_lane, said_lane, lane_open, speaks),
    -- so whoever has the request finds its other calls within an hour of it
    CASE WHEN priced.request_trace <> priced.trace_id
            OR priced.started_at NOT BETWEEN r.started_at - INTERVAL 1 HOUR AND r.started_at + INTERVAL 1 HOUR
        THEN priced.request_trace END AS request_trace,
    trace_hex(priced.trace_id) || '-' || span_hex(priced.span_id) AS attempt_id,
    s.finish, s.context_system, s.context_retrieved, s.context_history, s.context_tools,
    s.answer_label, s.shadow_of, s.sampling_probability, s.prompt_hash,
    coalesce(s.streamed, CASE WHEN s.ttft_ms IS NOT NULL THEN TRUE END) AS streamed,
    speaks AND NOT priced.failed AND r.cache IS NULL AS answered,
    r.request_id, r.task_type, r.lane AS request_lane, r.escalated, r.escalation_kind, r.escalation_reason,
    r.router, r.router_version, r.selected_model, r.answered_by, r.cache, r.architecture,
    coalesce(r.mode, priced.mode) AS mode,
    coalesce(r.tenant, s.tenant) AS tenant,
    coalesce(r.team, s.team) AS team,
    coalesce(r.job, s.job) AS job,
    coalesce(r.job_run, s.job_run) AS job_run,
    coalesce(r.session_id, s.session_id) AS session_id,
    coalesce(r.environment, s.environment) AS environment,
    coalesce(r.service, s.service) AS service,
    coalesce(r.sample_weight, weight_of(priced.sample_rate)) AS sample_weight
FROM priced
JOIN s ON s.trace_id = priced.trace_id AND s.span_id = priced.span_id
LEFT JOIN new_requests AS r ON r.trace_id = priced.request_trace AND r.span_id = priced.request_span
WHERE priced.started_at BETWEEN $low AND $high;
DELETE FROM uncounted_usage
WHERE $seen_before AND started_at BETWEEN $low AND $high AND trace_id IN (SELECT trace_id FROM touched);
INSERT INTO uncounted_usage BY NAME SELECT * EXCLUDE (wraps) FROM uncounted WHERE started_at BETWEEN $low AND $high;
