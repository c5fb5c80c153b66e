WITH measures AS (
    SELECT
        CASE WHEN r.purpose = 'user' AND NOT r.failed AND r.gate IS DISTINCT FROM 'fail' THEN r.sample_weight ELSE 0 END AS user_succeeded,
        CASE WHEN r.purpose = 'user' THEN r.sample_weight ELSE 0 END AS user_calls,
        CASE WHEN r.purpose = 'user' THEN 1 ELSE 0 END AS user_calls_rows,
        CASE WHEN r.purpose = 'user' THEN r.sample_weight * r.sample_weight ELSE 0 END AS user_calls_squares
    FROM attempts AS r
),
figures AS (
    SELECT
        sum(user_succeeded) / nullif(sum(user_calls), 0) AS value,
        sum(user_calls_rows) AS n,
        power(sum(user_calls), 2) / nullif(sum(user_calls_squares), 0) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
