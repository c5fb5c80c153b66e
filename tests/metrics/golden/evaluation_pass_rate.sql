WITH measures AS (
    SELECT
        CASE WHEN r.passed THEN r.sample_weight ELSE 0 END AS passed,
        CASE WHEN r.passed IS NOT NULL THEN r.sample_weight ELSE 0 END AS judged,
        CASE WHEN r.passed IS NOT NULL THEN 1 ELSE 0 END AS judged_rows,
        CASE WHEN r.passed IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS judged_squares
    FROM scores AS r
),
figures AS (
    SELECT
        sum(passed) / nullif(sum(judged), 0) AS value,
        sum(judged_rows) AS n,
        power(sum(judged), 2) / nullif(sum(judged_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
