-- The first day's requests and calls again, some days later, as other requests.
INSERT INTO requests BY NAME
SELECT * REPLACE (
    CAST(md5_number(CAST(trace_id AS VARCHAR) || $day) AS UUID) AS trace_id,
    trace_hex(CAST(md5_number(CAST(trace_id AS VARCHAR) || $day) AS UUID)) || right(request_id, 17) AS request_id,
    started_at + to_days($day) AS started_at,
    CASE WHEN $day < 60 THEN 'v1' ELSE 'v2' END AS router_version
)
FROM requests
WHERE started_at < $start + INTERVAL 1 DAY;

INSERT INTO attempts BY NAME
WITH copied AS (
    SELECT *, CAST(md5_number(CAST(trace_id AS VARCHAR) || $day) AS UUID) AS other, trace_hex(other) AS hex
    FROM attempts
    WHERE started_at < $start + INTERVAL 1 DAY
)
SELECT * EXCLUDE (other, hex) REPLACE (
    other AS trace_id,
    hex || right(attempt_id, 17) AS attempt_id,
    hex || right(request_id, 17) AS request_id,
    hex || right(shadow_of, 17) AS shadow_of,
    started_at + to_days($day) AS started_at,
    CASE WHEN $day < 60 THEN 'v1' ELSE 'v2' END AS router_version
)
FROM copied;
