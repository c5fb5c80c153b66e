-- usage: the tokens and the cost of each call by one way of counting: cached, written, audio and image tokens lie inside
-- the input, reasoning and audio inside the output. How a sender counted is found out in this order: its vocabulary says
-- so; the total decides; arithmetic decides, since a part above its whole lies beside it; else as said, and assumed. What
-- contradicts itself is unknown: the part, and with it the list price.
CREATE OR REPLACE TEMP TABLE usage AS
-- The reading of each: how it is known what must be added to the input and to the output that were said. A step each,
-- since a step reads what the one before found.
WITH said AS (
    SELECT
        calls.trace_id,
        calls.span_id,
        s.input_tokens,
        s.output_tokens,
        s.total_tokens,
        coalesce(s.cached_tokens, 0) + coalesce(s.cache_write_tokens, 0) AS stored_tokens,
        s.cached_tokens,
        s.cache_write_tokens,
        s.reasoning_tokens,
        s.input_counting,
        s.output_counting,
        s.cache_write_1h_tokens,
        s.audio_input_tokens,
        s.audio_output_tokens,
        s.cached_audio_tokens,
        s.image_input_tokens,
        s.image_output_tokens,
        s.web_searches,
        s.cost_usd,
        carries_usage(s.input_tokens, s.output_tokens, s.total_tokens, s.cost_usd) AS told,
        calls.usage_id = calls.span_id AS own,
        coalesce(s.provider ILIKE '%anthropic%' OR s.provider ILIKE '%bedrock%' OR s.model ILIKE '%claude%', FALSE) AS counts_beside,
        coalesce(s.operation = 'embedding', FALSE) OR calls.purpose = 'embedding' AS reads_only,
        calls.failed
    FROM calls
    JOIN s ON s.trace_id = calls.trace_id AND s.span_id = calls.usage_id
    WHERE NOT calls.cached
),
beyond AS (
    SELECT
        *,
        coalesce(reasoning_tokens, 0) AS reasoned,
        total_tokens - input_tokens - output_tokens AS rest,  -- of the total, beyond what was said for input and output
        -- A call that succeeded read at least one token: zeros are a client that did not know.
        NOT failed AND input_tokens = 0 AND coalesce(output_tokens, 0) = 0 AND coalesce(total_tokens, 0) = 0
            AND stored_tokens = 0 AND coalesce(reasoning_tokens, 0) = 0 AS unknown_usage
    FROM said
),
input_read AS (
    SELECT
        *,
        CASE
            WHEN input_tokens IS NULL OR stored_tokens = 0 THEN NULL
            WHEN input_counting = 'exclusive' THEN struct_pack(known := 'vocabulary', added := stored_tokens)
            WHEN input_counting = 'inclusive' AND stored_tokens <= input_tokens THEN struct_pack(known := 'vocabulary', added := 0)
            WHEN rest IN (stored_tokens, stored_tokens + reasoned) THEN struct_pack(known := 'total', added := stored_tokens)
            WHEN rest IN (0, reasoned) AND stored_tokens <= input_tokens THEN struct_pack(known := 'total', added := 0)
            WHEN rest IN (cached_tokens, cached_tokens + reasoned) AND cache_write_tokens <= input_tokens
                THEN struct_pack(known := 'total', added := cached_tokens)
            WHEN rest IN (cache_write_tokens, cache_write_tokens + reasoned) AND cached_tokens <= input_tokens
                THEN struct_pack(known := 'total', added := cache_write_tokens)
            WHEN stored_tokens <= input_tokens THEN struct_pack(known := 'assumed', added := 0)
            WHEN rest = 0 AND NOT counts_beside THEN struct_pack(known := 'contradicted', added := 0)
            ELSE struct_pack(known := 'arithmetic', added := stored_tokens)
        END AS input_reading
    FROM beyond
),
left_over AS (
    SELECT
        * EXCLUDE (input_reading, rest),
        input_reading.known AS input_known,
        coalesce(input_reading.added, 0) AS input_added,
        rest - coalesce(input_reading.added, 0) AS rest
    FROM input_read
),
output_read AS (
    SELECT
        *,
        CASE
            WHEN output_tokens IS NULL OR reasoned = 0 THEN NULL
            WHEN output_counting = 'exclusive' THEN struct_pack(known := 'vocabulary', added := reasoned)
            WHEN output_counting = 'inclusive' AND reasoned <= output_tokens THEN struct_pack(known := 'vocabulary', added := 0)
            WHEN rest = reasoned THEN struct_pack(known := 'total', added := reasoned)
            WHEN rest = 0 AND reasoned <= output_tokens THEN struct_pack(known := 'total', added := 0)
            WHEN reasoned <= output_tokens THEN struct_pack(known := 'assumed', added := 0)
            WHEN rest = 0 THEN struct_pack(known := 'contradicted', added := 0)
            ELSE struct_pack(known := 'arithmetic', added := reasoned)
        END AS output_reading
    FROM left_over
),
reading AS (
    SELECT
        * EXCLUDE (output_reading, input_tokens, output_tokens),
        output_reading.known AS output_known,
        input_tokens + input_added AS input_tokens,
        output_tokens + coalesce(output_reading.added, 0) AS output_tokens
    FROM output_read
),
whole AS (
    SELECT
        *,
        CASE
            WHEN unknown_usage THEN NULL
            WHEN input_tokens IS NOT NULL THEN input_tokens
            WHEN total_tokens >= output_tokens THEN total_tokens - output_tokens
            WHEN reads_only AND output_tokens IS NULL THEN total_tokens
        END AS whole_input,
        CASE
            WHEN unknown_usage THEN NULL
            WHEN output_tokens IS NOT NULL THEN output_tokens
            WHEN total_tokens > input_tokens THEN total_tokens - input_tokens
        END AS whole_output
    FROM reading
),
judged_parts AS (
    SELECT
        *,
        coalesce(input_known = 'contradicted', FALSE) OR coalesce(stored_tokens > whole_input, FALSE) AS input_contradicted,
        coalesce(output_known = 'contradicted', FALSE) OR coalesce(reasoned > whole_output, FALSE) AS output_contradicted,
        coalesce(coalesce(audio_input_tokens, 0) + coalesce(image_input_tokens, 0) > whole_input, FALSE) AS sensed_contradicted,
        coalesce(coalesce(audio_output_tokens, 0) + coalesce(image_output_tokens, 0) > whole_output, FALSE) AS made_contradicted,
        coalesce(cache_write_1h_tokens > cache_write_tokens, FALSE) AS written_contradicted,
        coalesce(cached_audio_tokens > least(cached_tokens, audio_input_tokens), FALSE) AS heard_contradicted
    FROM whole
)
SELECT
    trace_id,
    span_id,
    own AND told AS has_usage,
    whole_input AS input_tokens,
    whole_output AS output_tokens,
    -- a part whose whole is unknown is part of no sum
    CASE WHEN whole_input IS NOT NULL AND NOT input_contradicted THEN cached_tokens END AS cached_tokens,
    CASE WHEN whole_input IS NOT NULL AND NOT input_contradicted THEN cache_write_tokens END AS cache_write_tokens,
    CASE WHEN whole_input IS NOT NULL AND NOT input_contradicted AND NOT written_contradicted AND cache_write_tokens IS NOT NULL
        THEN cache_write_1h_tokens END AS cache_write_1h_tokens,
    CASE WHEN whole_input IS NOT NULL AND NOT sensed_contradicted THEN audio_input_tokens END AS audio_input_tokens,
    CASE WHEN whole_input IS NOT NULL AND NOT sensed_contradicted THEN image_input_tokens END AS image_input_tokens,
    CASE WHEN whole_input IS NOT NULL AND NOT (input_contradicted OR sensed_contradicted OR heard_contradicted)
        AND cached_tokens IS NOT NULL AND audio_input_tokens IS NOT NULL THEN cached_audio_tokens END AS cached_audio_tokens,
    CASE WHEN whole_output IS NOT NULL AND NOT output_contradicted THEN reasoning_tokens END AS reasoning_tokens,
    CASE WHEN whole_output IS NOT NULL AND NOT made_contradicted THEN audio_output_tokens END AS audio_output_tokens,
    CASE WHEN whole_output IS NOT NULL AND NOT made_contradicted THEN image_output_tokens END AS image_output_tokens,
    web_searches,
    cost_usd,
    CASE
        WHEN input_contradicted OR output_contradicted OR sensed_contradicted OR made_contradicted
            OR written_contradicted OR heard_contradicted
            THEN 'contradicted'
        WHEN 'assumed' IN (input_known, output_known) THEN 'assumed'
        WHEN 'arithmetic' IN (input_known, output_known) THEN 'arithmetic'
        WHEN 'total' IN (input_known, output_known)
            OR (input_tokens IS NULL AND whole_input IS NOT NULL) OR (output_tokens IS NULL AND whole_output IS NOT NULL) THEN 'total'
        WHEN 'vocabulary' IN (input_known, output_known) THEN 'vocabulary'
    END AS token_counting
FROM judged_parts;
