WITH measures AS (
    SELECT
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * (epoch(r.started_at) - 1767225600) / 86400 * r.input_tokens END AS input_xy,
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * (epoch(r.started_at) - 1767225600) / 86400 END AS input_x,
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * r.input_tokens END AS input_y,
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight ELSE 0 END AS input_timed,
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * power((epoch(r.started_at) - 1767225600) / 86400, 2) END AS input_xx,
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS input_squares,
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * power(r.input_tokens, 2) END AS input_yy,
        CASE WHEN r.input_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN 1 ELSE 0 END AS input_timed_rows
    FROM requests AS r
),
figures AS (
    SELECT
        (sum(input_xy) - sum(input_x) * sum(input_y) / nullif(sum(input_timed), 0)) / nullif((sum(input_xx) - sum(input_x) * sum(input_x) / nullif(sum(input_timed), 0)), 0) / nullif(sum(input_y), 0) * sum(input_timed) AS value,
        sum(input_timed_rows) AS n,
        CASE WHEN (power(sum(input_timed), 2) / nullif(sum(input_squares), 0)) >= 50 THEN sqrt(greatest((sum(input_yy) - sum(input_y) * sum(input_y) / nullif(sum(input_timed), 0)) - power((sum(input_xy) - sum(input_x) * sum(input_y) / nullif(sum(input_timed), 0)), 2) / nullif((sum(input_xx) - sum(input_x) * sum(input_x) / nullif(sum(input_timed), 0)), 0), 0) / ((power(sum(input_timed), 2) / nullif(sum(input_squares), 0)) - 2) / nullif((sum(input_xx) - sum(input_x) * sum(input_x) / nullif(sum(input_timed), 0)), 0)) END / nullif(sum(input_y), 0) * sum(input_timed) AS error
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CAST(value - 1.959963984540054 * error AS DOUBLE) AS low,
    CAST(value + 1.959963984540054 * error AS DOUBLE) AS high
FROM figures
LIMIT $row_limit
