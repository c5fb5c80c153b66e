-- Values that the derived rows of a batch have, and that have no seat yet on their day (UTC). `n`: rows that have it.
-- Values of owners may come from a call's own span, so they are looked for there, too.
WITH met AS (
    SELECT CAST(started_at AS DATE) AS day, $of_requests, count(*) AS n FROM new_requests GROUP BY ALL
    UNION ALL BY NAME
    SELECT CAST(started_at AS DATE) AS day, $of_attempts, count(*) AS n FROM priced GROUP BY ALL
    UNION ALL BY NAME
    SELECT CAST(started_at AS DATE) AS day, $of_owners, 0 AS n FROM s GROUP BY ALL
),
each AS (
    SELECT dimension, day, value, n FROM (UNPIVOT met ON $dimensions INTO NAME dimension VALUE value)
)
SELECT dimension, day, value, sum(n) AS n
FROM each
ANTI JOIN (SELECT * FROM dimension_values WHERE day BETWEEN CAST($low AS DATE) AND CAST($high AS DATE)) AS seat
    ON seat.dimension = each.dimension AND seat.day = each.day AND seat.value = each.value
WHERE day IS NOT NULL AND value <> '(other)'
GROUP BY dimension, day, value
