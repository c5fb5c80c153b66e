WITH page AS (
    SELECT r.rowid AS place, CASE WHEN (r.confidence_kind = 'probability' OR r.confidence_kind IS NULL) THEN -abs(r.confidence - r.threshold) END AS page_key
    FROM requests AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
        AND (r.tenant IN ($tenant_0) OR r.tenant IS NULL)
        AND r.lane IN ($lane_0, $lane_1)
        AND r.confidence >= $confidence_min
        AND r.escalated = $escalated
        AND r.trace_id = CAST($trace_id AS UUID)
    ORDER BY page_key DESC NULLS LAST, r.trace_id DESC, r.span_id DESC
    LIMIT $page_limit
)
SELECT trace_hex(r.trace_id) AS trace_id, span_hex(r.span_id) AS span_id, r.request_id, r.session_id, r.started_at, r.duration_ms, r.ttft_ms, r.task_type, r.router, r.router_version, r.reason, r.confidence, r.confidence_kind, r.threshold, r.requested_model, r.selected_model, r.selected_lane, r.answered_by, r.provider, r.lane, r.escalated, r.escalation_kind, r.escalation_reason, r.attempts, r.failed_attempts, r.steps, r.retries, r.fell_back, r.cache, r.cache_layers, r.mode, r.gate, r.error_type, r.failed, r.input_tokens, r.cached_tokens, r.output_tokens, r.reasoning_tokens, r.cost_usd, r.overhead_usd, r.cost_source, r.priced, r.tenant, r.team, r.job, r.user_id, r.environment, r.service, r.sample_weight, CAST(page_key AS VARCHAR) AS page_key
FROM page JOIN requests AS r ON r.rowid = page.place
ORDER BY page.page_key DESC NULLS LAST, r.trace_id DESC, r.span_id DESC
