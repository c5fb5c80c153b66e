WITH measures AS (
    SELECT
        CASE WHEN r.escalated AND r.session_id IS NOT NULL THEN struct_pack(key := r.session_id, weight := r.sample_weight) END AS escalated_session,
        CASE WHEN r.escalated IS NOT NULL AND r.session_id IS NOT NULL THEN struct_pack(key := r.session_id, weight := r.sample_weight) END AS session
    FROM requests AS r
),
figures AS (
    SELECT
        coalesce(list_sum(weights_of_keys(list(DISTINCT escalated_session) FILTER (WHERE escalated_session IS NOT NULL))), 0) / nullif(coalesce(list_sum(weights_of_keys(list(DISTINCT session) FILTER (WHERE session IS NOT NULL))), 0), 0) AS value,
        count(DISTINCT session.key) AS n,
        power(list_sum(weights_of_keys(list(DISTINCT session) FILTER (WHERE session IS NOT NULL))), 2) / nullif(list_sum(list_transform(weights_of_keys(list(DISTINCT session) FILTER (WHERE session IS NOT NULL)), lambda x: x * x)), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
