SELECT
    {names},
    chosen,
    sum(n) AS n,
    sum(whole) AS whole,
    sum(part) AS part,
    sum(part * part) AS squares,
    sum(part * whole) AS products,
    sum(whole * whole) AS weights
FROM (
    SELECT
        {columns}
    FROM {source} AS r{where}
)
GROUP BY ALL
