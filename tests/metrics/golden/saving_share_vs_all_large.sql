WITH measures AS (
    SELECT
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND r.attempts = 1 AND r.escalated THEN r.sample_weight * r.input_tokens / r.attempts ELSE 0 END AS large_tokens,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND r.attempts = 1 AND r.escalated THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END AS large_usd,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * (r.cost_usd + coalesce(r.overhead_usd, 0)) ELSE 0 END AS basis_usd,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN r.sample_weight * r.input_tokens / r.attempts ELSE 0 END AS basis_tokens,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN 1 ELSE 0 END AS basis_tokens_rows
    FROM requests AS r
),
figures AS (
    SELECT
        1 - sum(sum(large_tokens)) OVER () / nullif(sum(sum(large_usd)) OVER (), 0) * sum(basis_usd) / nullif(sum(basis_tokens), 0) AS value,
        sum(basis_tokens_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
