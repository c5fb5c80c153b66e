WITH measures AS (
    SELECT
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN r.sample_weight * r.input_tokens / r.attempts ELSE 0 END AS basis_tokens,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND r.attempts = 1 AND NOT r.escalated THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END AS small_usd,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND r.attempts = 1 AND NOT r.escalated THEN r.sample_weight * r.input_tokens / r.attempts ELSE 0 END AS small_tokens,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * (r.cost_usd + coalesce(r.overhead_usd, 0)) ELSE 0 END AS basis_usd,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN r.sample_weight ELSE 0 END AS basis,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL THEN r.sample_weight ELSE 0 END AS payable,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN 1 ELSE 0 END AS basis_usd_rows
    FROM requests AS r
),
figures AS (
    SELECT
        sum(basis_tokens) * sum(sum(small_usd)) OVER () / nullif(sum(sum(small_tokens)) OVER (), 0) - sum(basis_usd) AS value,
        sum(basis_usd_rows) AS n,
        sum(basis) / nullif(sum(payable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
