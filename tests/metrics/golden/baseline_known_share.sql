WITH measures AS (
    SELECT
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight ELSE 0 END AS large_known,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN r.sample_weight ELSE 0 END AS basis,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN 1 ELSE 0 END AS basis_rows,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN r.sample_weight * r.sample_weight ELSE 0 END AS basis_squares
    FROM requests AS r
),
figures AS (
    SELECT
        sum(large_known) / nullif(sum(basis), 0) AS value,
        sum(basis_rows) AS n,
        power(sum(basis), 2) / nullif(sum(basis_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
