WITH measures AS (
    SELECT
        r.session_id AS each_session
    FROM requests AS r
),
figures AS (
    SELECT
        count(DISTINCT each_session) AS value,
        count(DISTINCT each_session) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
