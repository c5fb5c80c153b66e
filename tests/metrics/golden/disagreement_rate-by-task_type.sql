WITH measures AS (
    SELECT
        r.task_type AS task_type,
        CASE WHEN r.disagrees THEN CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END ELSE 0 END AS disagreed,
        CASE WHEN r.disagrees IS NOT NULL THEN CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END ELSE 0 END AS compared,
        CASE WHEN r.disagrees IS NOT NULL THEN 1 ELSE 0 END AS compared_rows,
        CASE WHEN r.disagrees IS NOT NULL THEN CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END * CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END ELSE 0 END AS compared_squares,
        CASE WHEN r.disagrees THEN CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END * CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END ELSE 0 END AS disagreed_squares
    FROM compared($start, $end) AS r
    WHERE r.started_at >= $start
        AND r.started_at < $end
),
figures AS (
    SELECT
        task_type,
        sum(disagreed) / nullif(sum(compared), 0) AS value,
        sum(compared_rows) AS n,
        least(CASE WHEN (sum(disagreed_squares) * (1 - 2 * (sum(disagreed) / nullif(sum(compared), 0))) + (sum(disagreed) / nullif(sum(compared), 0)) * (sum(disagreed) / nullif(sum(compared), 0)) * sum(compared_squares)) > 1e-15 * power(sum(compared), 2) THEN (sum(disagreed) / nullif(sum(compared), 0)) * (1 - (sum(disagreed) / nullif(sum(compared), 0))) * power(sum(compared), 2) / (sum(disagreed_squares) * (1 - 2 * (sum(disagreed) / nullif(sum(compared), 0))) + (sum(disagreed) / nullif(sum(compared), 0)) * (sum(disagreed) / nullif(sum(compared), 0)) * sum(compared_squares)) END, power(sum(compared), 2) / nullif(sum(compared_squares), 0) * (1 + power(sum(compared), 2) / nullif(sum(compared_squares), 0) / 500)) AS effective
    FROM measures
    GROUP BY task_type
)
SELECT
    task_type,
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
ORDER BY task_type NULLS LAST
LIMIT $row_limit
