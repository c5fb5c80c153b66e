WITH measures AS (
    SELECT
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * (epoch(r.started_at) - 1767225600) / 86400 * r.output_tokens END AS output_xy,
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * (epoch(r.started_at) - 1767225600) / 86400 END AS output_x,
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * r.output_tokens END AS output_y,
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight ELSE 0 END AS output_timed,
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * power((epoch(r.started_at) - 1767225600) / 86400, 2) END AS output_xx,
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS output_squares,
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN r.sample_weight * power(r.output_tokens, 2) END AS output_yy,
        CASE WHEN r.output_tokens IS NOT NULL AND r.started_at IS NOT NULL THEN 1 ELSE 0 END AS output_timed_rows
    FROM requests AS r
),
figures AS (
    SELECT
        (sum(output_xy) - sum(output_x) * sum(output_y) / nullif(sum(output_timed), 0)) / nullif((sum(output_xx) - sum(output_x) * sum(output_x) / nullif(sum(output_timed), 0)), 0) / nullif(sum(output_y), 0) * sum(output_timed) AS value,
        sum(output_timed_rows) AS n,
        CASE WHEN (power(sum(output_timed), 2) / nullif(sum(output_squares), 0)) >= 50 THEN sqrt(greatest((sum(output_yy) - sum(output_y) * sum(output_y) / nullif(sum(output_timed), 0)) - power((sum(output_xy) - sum(output_x) * sum(output_y) / nullif(sum(output_timed), 0)), 2) / nullif((sum(output_xx) - sum(output_x) * sum(output_x) / nullif(sum(output_timed), 0)), 0), 0) / ((power(sum(output_timed), 2) / nullif(sum(output_squares), 0)) - 2) / nullif((sum(output_xx) - sum(output_x) * sum(output_x) / nullif(sum(output_timed), 0)), 0)) END / nullif(sum(output_y), 0) * sum(output_timed) AS error
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CAST(value - 1.959963984540054 * error AS DOUBLE) AS low,
    CAST(value + 1.959963984540054 * error AS DOUBLE) AS high
FROM figures
LIMIT $row_limit
