WITH measures AS (
    SELECT
        CASE WHEN r.context_window > 0 AND r.input_tokens IS NOT NULL THEN r.sample_weight * r.input_tokens / r.context_window END AS window_share,
        CASE WHEN r.context_window > 0 AND r.input_tokens IS NOT NULL THEN r.sample_weight ELSE 0 END AS windowed,
        CASE WHEN r.context_window > 0 AND r.input_tokens IS NOT NULL THEN 1 ELSE 0 END AS windowed_rows
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(window_share) / nullif(sum(windowed), 0) AS value,
        sum(windowed_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
