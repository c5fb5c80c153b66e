WITH measures AS (
    SELECT
        (r.spans + r.duplicate + r.expired + r.rejected) AS received,
        CASE WHEN TRUE THEN (r.spans + r.duplicate + r.expired + r.rejected) ELSE 0 END AS received_rows
    FROM arrivals AS r
),
figures AS (
    SELECT
        coalesce(sum(received), 0) AS value,
        sum(received_rows) AS n
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n
FROM figures
LIMIT $row_limit
