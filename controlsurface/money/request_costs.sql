-- What the calls of each request cost together, of the rows of priced, by request_trace and request_span.
-- A failed call for which nothing is owed needs no price.
SELECT
    request_trace, request_span,
    bool_and(fully_priced) AS priced,
    CASE WHEN bool_or(billable AND cost_usd IS NULL) FILTER (for_user) THEN NULL
        ELSE sum(cost_usd) FILTER (for_user) END AS cost_usd,
    CASE WHEN count(DISTINCT cost_source) FILTER (for_user) > 1 THEN 'mixed' ELSE max(cost_source) FILTER (for_user) END AS cost_source,
    -- what an answer of one kind of lane alone costs: all its calls there, if one succeeded or nothing else was tried
    CASE WHEN bool_or(NOT failed) FILTER (large) OR coalesce(bool_and(coalesce(escalates(lane), FALSE)) FILTER (for_user), FALSE)
        THEN CASE WHEN bool_and(fully_priced) FILTER (large) THEN sum(cost_usd) FILTER (large) END END AS own_large_usd,
    CASE WHEN bool_or(NOT failed) FILTER (small) OR coalesce(bool_and(coalesce(NOT escalates(lane), FALSE)) FILTER (for_user), FALSE)
        THEN CASE WHEN bool_and(fully_priced) FILTER (small) THEN sum(cost_usd) FILTER (small) END END AS own_small_usd,
    sum(cost_usd) FILTER (NOT for_user) AS overhead_usd,
    CAST(round_even(avg(cost_usd) FILTER (shadowed AND escalates(lane)), 12) AS DECIMAL(18, 12)) AS shadow_large_usd,
    CAST(round_even(avg(cost_usd) FILTER (shadowed AND NOT escalates(lane)), 12) AS DECIMAL(18, 12)) AS shadow_small_usd
FROM (
    SELECT
        request_trace, request_span, lane, failed, billable, cost_usd, cost_source,
        (cost_usd IS NOT NULL AND unpriced_parts IS NULL) OR NOT billable AS fully_priced,
        purpose = 'user' AS for_user,
        for_user AND escalates(lane) AS large,
        for_user AND NOT escalates(lane) AS small,
        purpose = 'shadow' AND NOT failed AND unpriced_parts IS NULL AS shadowed
    FROM priced
    WHERE request_span IS NOT NULL
)
GROUP BY request_trace, request_span
