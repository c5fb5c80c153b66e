SELECT
    said.*,
    chosen, n, whole, part, squares, products, weights
FROM (
    SELECT
        first({{{pairs}}}) AS said,
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
    -- a third quicker than by the names themselves; among 100,000 combinations two share 64 bits once in 4 billion
    GROUP BY hash({names}), chosen
)
