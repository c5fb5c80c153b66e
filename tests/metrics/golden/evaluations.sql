WITH measures AS (
    SELECT
        r.sample_weight AS n,
        CASE WHEN TRUE THEN 1 ELSE 0 END AS n_rows
    FROM scores AS r
),
figures AS (
    SELECT
        coalesce(sum(n), 0) AS value,
        sum(n_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
