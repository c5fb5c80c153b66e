WITH measures AS (
    SELECT
        CASE WHEN r.job IS NOT NULL THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END AS job_usd,
        CASE WHEN r.cost_usd IS NOT NULL AND r.job IS NOT NULL THEN struct_pack(key := r.job, weight := r.sample_weight) END AS paid_job,
        CASE WHEN r.billable AND r.job IS NOT NULL AND r.cost_usd IS NOT NULL AND r.unpriced_parts IS NULL THEN r.sample_weight ELSE 0 END AS job_priced,
        CASE WHEN r.billable AND r.job IS NOT NULL THEN r.sample_weight ELSE 0 END AS job_billable
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(job_usd) / nullif(coalesce(list_sum(weights_of_keys(list(DISTINCT paid_job) FILTER (WHERE paid_job IS NOT NULL))), 0), 0) AS value,
        count(DISTINCT paid_job.key) AS n,
        sum(job_priced) / nullif(sum(job_billable), 0) AS priced_share
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    priced_share
FROM figures
LIMIT $row_limit
