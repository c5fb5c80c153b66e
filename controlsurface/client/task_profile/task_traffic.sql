WITH asked AS (
    SELECT
        task_type,
        count(*) AS n,
        sum(sample_weight) AS requests,
        quantile_cont(input_tokens, [0.5, 0.95]) AS input,
        quantile_cont(output_tokens, [0.5, 0.95]) AS output,
        sum(sample_weight) FILTER (WHERE escalated) / sum(sample_weight) FILTER (WHERE escalated IS NOT NULL)
            AS escalation_rate,
        mode(nullif(coalesce(selected_lane, lane), 'unknown')) AS tier,
        coalesce(mode(confidence_kind), mode(reason)) AS routing_signal,
        mode(coalesce(escalation_reason, escalation_kind)) FILTER (WHERE escalated) AS escalation_trigger
    FROM requests
    WHERE started_at >= $low::TIMESTAMP AND started_at < $high::TIMESTAMP AND task_type IS NOT NULL
    GROUP BY task_type
),
checked AS (
    SELECT
        task_type,
        count(gate) FILTER (WHERE purpose = 'user') AS gated,
        count(*) FILTER (WHERE purpose = 'shadow') AS shadowed
    FROM attempts
    WHERE started_at >= $low::TIMESTAMP AND started_at < $high::TIMESTAMP AND task_type IS NOT NULL
    GROUP BY task_type
)
SELECT
    task_type,
    asked.n,
    asked.requests,
    asked.input[1]::DOUBLE AS input_p50,
    asked.input[2]::DOUBLE AS input_p95,
    asked.output[1]::DOUBLE AS output_p50,
    asked.output[2]::DOUBLE AS output_p95,
    asked.escalation_rate,
    asked.tier,
    asked.routing_signal,
    asked.escalation_trigger,
    coalesce(checked.gated, 0) AS gated,
    coalesce(checked.shadowed, 0) AS shadowed
FROM asked LEFT JOIN checked USING (task_type)
ORDER BY asked.requests DESC, task_type
LIMIT $most
