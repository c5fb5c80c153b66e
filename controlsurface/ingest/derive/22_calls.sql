-- calls: the model calls. `usage_id` is the span that tells their tokens and cost; `name` is what lanes know the model by,
-- `configured_lane` the lane that has it, `assumed_lane` the one assumed of it, `word_lane` the one that its span names.
CREATE OR REPLACE TEMP TABLE calls AS
SELECT *, lower(model) AS name, lane_of_name(lower(model)) AS configured_lane, assumed_lane_of_name(lower(model)) AS assumed_lane
FROM (
    SELECT *, model_name(model_raw) AS model
    FROM (
        SELECT
            s.trace_id,
            s.span_id,
            s.start_ns,
            s.end_ns,
            coalesce(s.purpose, 'user') AS purpose,
            s.status = 2 OR s.error_type IS NOT NULL OR s.is_failed_call AS failed,
            coalesce(found.cached, FALSE) AS cached,
            coalesce(lent.lender_id, s.span_id) AS usage_id,
            coalesce(s.model, s.selected_model, s.requested_model) AS model_raw,  -- as sent
            s.model AS answering_model,
            lane_of_word(s.lane) AS word_lane,
            s.gate_passed,
            s.ttft_ms
        FROM (
            SELECT innermost.trace_id, innermost.span_id, innermost.cached FROM innermost
            ANTI JOIN twin ON twin.trace_id = innermost.trace_id AND twin.span_id = innermost.span_id
            UNION ALL
            SELECT trace_id, span_id, cached FROM apart
            UNION ALL
            SELECT s.trace_id, s.span_id, FALSE FROM s
            ANTI JOIN claim ON claim.trace_id = s.trace_id AND claim.span_id = s.span_id AND claim.is_candidate
            WHERE s.is_failed_call
        ) AS found
        JOIN s ON s.trace_id = found.trace_id AND s.span_id = found.span_id
        LEFT JOIN lent ON lent.trace_id = found.trace_id AND lent.span_id = found.span_id
    )
);

-- spoken: spans that speak as calls do, whether or not they are the one that counts.
CREATE OR REPLACE TEMP TABLE spoken AS
SELECT trace_id, span_id FROM calls UNION SELECT trace_id, span_id FROM claim WHERE named;
