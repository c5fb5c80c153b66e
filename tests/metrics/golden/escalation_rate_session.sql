WITH measures AS (
    SELECT
        CASE WHEN r.escalated THEN r.session_id END AS escalated_session,
        CASE WHEN r.escalated IS NOT NULL THEN r.session_id END AS session
    FROM requests AS r
),
figures AS (
    SELECT
        count(DISTINCT escalated_session) / nullif(count(DISTINCT session), 0) AS value,
        count(DISTINCT session) AS n,
        count(DISTINCT session) AS effective
    FROM measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CASE WHEN n > 0 THEN greatest(0, (value + 1.920729410347062 / effective - 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS low,
    CASE WHEN n > 0 THEN least(1, (value + 1.920729410347062 / effective + 1.959963984540054 * sqrt(greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective))) / (1 + 3.841458820694124 / effective)) END AS high
FROM figures
LIMIT $row_limit
