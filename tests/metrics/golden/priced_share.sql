WITH measures AS (
    SELECT
        CASE WHEN r.billable AND r.cost_usd IS NOT NULL AND r.unpriced_parts IS NULL THEN r.sample_weight ELSE 0 END AS priced,
        CASE WHEN r.billable THEN r.sample_weight ELSE 0 END AS billable,
        CASE WHEN r.billable THEN 1 ELSE 0 END AS billable_rows,
        CASE WHEN r.billable THEN r.sample_weight * r.sample_weight ELSE 0 END AS billable_squares
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(priced) / nullif(sum(billable), 0) AS value,
        sum(billable_rows) AS n,
        power(sum(billable), 2) / nullif(sum(billable_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
