WITH measures AS (
    SELECT
        CASE WHEN r.billable AND r.cost_usd IS NULL AND (r.input_tokens IS NULL OR r.output_tokens IS NULL AND r.purpose <> 'embedding' AND coalesce(r.operation, 'chat') IN ('chat', 'completion')) THEN r.sample_weight ELSE 0 END AS unmetered,
        CASE WHEN r.billable AND r.cost_usd IS NULL AND (r.input_tokens IS NULL OR r.output_tokens IS NULL AND r.purpose <> 'embedding' AND coalesce(r.operation, 'chat') IN ('chat', 'completion')) THEN 1 ELSE 0 END AS unmetered_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        coalesce(sum(unmetered), 0) AS value,
        sum(unmetered_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
