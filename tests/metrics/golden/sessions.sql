WITH measures AS (
    SELECT
        CASE WHEN TRUE AND r.session_id IS NOT NULL THEN struct_pack(key := r.session_id, weight := r.sample_weight) END AS each_session
    FROM requests AS r
),
figures AS (
    SELECT
        coalesce(list_sum(weights_of_keys(list(DISTINCT each_session) FILTER (WHERE each_session IS NOT NULL))), 0) AS value,
        count(DISTINCT each_session.key) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
