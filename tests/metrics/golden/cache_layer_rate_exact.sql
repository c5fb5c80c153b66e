WITH measures AS (
    SELECT
        CASE WHEN list_contains(string_split(coalesce(r.cache_layers, r.cache), ','), 'exact') THEN r.sample_weight ELSE 0 END AS layer_exact,
        r.sample_weight AS n,
        CASE WHEN TRUE THEN 1 ELSE 0 END AS n_rows,
        CASE WHEN TRUE THEN r.sample_weight * r.sample_weight ELSE 0 END AS n_squares
    FROM requests AS r
),
figures AS (
    SELECT
        sum(layer_exact) / nullif(sum(n), 0) AS value,
        sum(n_rows) AS n,
        power(sum(n), 2) / nullif(sum(n_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
