-- What the shadow calls of a request cost, wherever they are: of the requests that were derived now, and of those that
-- shadow calls of the batch answer again; $from is when the first of either may begin. A shadow is looked for from an hour
-- before its request, because clocks differ, to a week after it.
CREATE OR REPLACE TEMP TABLE shadowed AS
SELECT r.trace_id, r.span_id, r.started_at,
    CAST(round_even(avg(a.cost_usd) FILTER (WHERE escalates(a.lane)), 12) AS DECIMAL(18, 12)) AS large_usd,
    CAST(round_even(avg(a.cost_usd) FILTER (WHERE NOT escalates(a.lane)), 12) AS DECIMAL(18, 12)) AS small_usd
FROM (
    SELECT
        coalesce(shadow_of, request_id) AS of, started_at, lane,
        CASE WHEN NOT failed AND unpriced_parts IS NULL THEN cost_usd END AS cost_usd
    FROM attempts
    WHERE purpose = 'shadow' AND started_at BETWEEN $from - INTERVAL 1 HOUR AND $high + INTERVAL 8 DAY
        AND coalesce(shadow_of, request_id) IN (
            SELECT request_id FROM new_requests UNION ALL SELECT shadow_of FROM priced WHERE purpose = 'shadow')
) AS a
JOIN requests AS r
    ON r.request_id = a.of AND a.started_at BETWEEN r.started_at - INTERVAL 1 HOUR AND r.started_at + INTERVAL 7 DAY
WHERE r.started_at BETWEEN greatest($from, frozen_before()) AND $high + INTERVAL 1 HOUR
GROUP BY ALL;
DELETE FROM shadowed USING requests AS r
WHERE r.trace_id = shadowed.trace_id AND r.span_id = shadowed.span_id AND r.started_at = shadowed.started_at
    AND r.shadow_large_usd IS NOT DISTINCT FROM shadowed.large_usd
    AND r.shadow_small_usd IS NOT DISTINCT FROM shadowed.small_usd;
UPDATE requests SET shadow_large_usd = shadowed.large_usd, shadow_small_usd = shadowed.small_usd
FROM shadowed
WHERE requests.started_at = shadowed.started_at AND requests.trace_id = shadowed.trace_id
    AND requests.span_id = shadowed.span_id;
WITH changed AS (SELECT DISTINCT time_bucket(INTERVAL 5 MINUTES, started_at) AS bucket FROM shadowed)
INSERT INTO rollup_dirty
SELECT 300, bucket FROM changed UNION SELECT 3600, time_bucket(INTERVAL 1 HOUR, bucket) FROM changed;
