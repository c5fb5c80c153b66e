WITH measures AS (
    SELECT
        CASE WHEN r.job IS NOT NULL AND r.mode = 'realtime' THEN r.sample_weight ELSE 0 END AS job_realtime,
        CASE WHEN r.job IS NOT NULL AND r.mode IS NOT NULL THEN r.sample_weight ELSE 0 END AS job_moded,
        CASE WHEN r.job IS NOT NULL AND r.mode IS NOT NULL THEN 1 ELSE 0 END AS job_moded_rows,
        CASE WHEN r.job IS NOT NULL AND r.mode IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS job_moded_squares
    FROM requests AS r
),
figures AS (
    SELECT
        sum(job_realtime) / nullif(sum(job_moded), 0) AS value,
        sum(job_moded_rows) AS n,
        power(sum(job_moded), 2) / nullif(sum(job_moded_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
