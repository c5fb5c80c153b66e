WITH measures AS (
    SELECT
        r.refused AS refused,
        CASE WHEN TRUE THEN (r.spans + r.duplicate + r.expired + r.rejected) ELSE 0 END AS refused_rows
    FROM arrivals AS r
),
figures AS (
    SELECT
        coalesce(sum(refused), 0) AS value,
        sum(refused_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
