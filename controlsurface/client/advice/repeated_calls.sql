WITH RECURSIVE calls AS (  -- what a cache could answer, or could keep: calls for users that were answered and passed
    SELECT
        row_number() OVER (ORDER BY started_at, attempt_id) AS call,
        -- a cache of one tenant, unless it is said to serve all
        md5(concat_ws(chr(0), model, if($across_tenants, '', coalesce(tenant, '')), prompt_hash)) AS entry,
        task_type,
        request_id,
        attempt_id,
        started_at,
        started_at + to_microseconds(CAST(1000 * coalesce(duration_ms, 0) AS BIGINT)) AS ended_at,
        cost_usd
    FROM attempts
    WHERE started_at >= $low::TIMESTAMP AND started_at < $high::TIMESTAMP
        AND purpose = 'user' AND NOT failed AND gate IS DISTINCT FROM 'fail' AND cache IS NULL
        AND prompt_hash IS NOT NULL
),
following AS (  -- of each call, the first one of the same entry after its answer would be gone
    SELECT calls.*, later.call AS refill
    FROM calls ASOF LEFT JOIN calls AS later
        ON later.entry = calls.entry AND later.started_at >= calls.ended_at + to_milliseconds($ttl_ms)
),
fills AS (  -- the calls that a cache would not answer and whose answers it would keep
    (SELECT DISTINCT ON (entry) * FROM following ORDER BY entry, call)
    UNION ALL
    SELECT following.* FROM fills JOIN following ON following.call = fills.refill
),
told AS (
    SELECT
        calls.entry, calls.task_type, calls.cost_usd,
        coalesce(
            calls.started_at < fills.ended_at + to_milliseconds($ttl_ms) AND fills.call <> calls.call
            AND fills.request_id IS DISTINCT FROM calls.request_id,  -- who asks again wants another answer
            FALSE
        ) AS repeated
    FROM calls ASOF LEFT JOIN fills ON fills.entry = calls.entry AND fills.ended_at <= calls.started_at
),
entries AS (
    SELECT
        task_type, entry,
        count(*)::DOUBLE AS n,
        count(*) FILTER (WHERE repeated)::DOUBLE AS repeats,
        count(cost_usd) FILTER (WHERE repeated) AS priced,
        sum(cost_usd) FILTER (WHERE repeated)::DOUBLE AS saved_usd,
        sum(cost_usd)::DOUBLE AS cost_usd
    FROM told GROUP BY task_type, entry
)
SELECT
    task_type,
    sum(n)::BIGINT AS n,
    count(*) AS prompts,
    sum(repeats) AS repeats,
    sum(priced)::BIGINT AS priced,
    sum(saved_usd) AS saved_usd,
    sum(cost_usd) AS cost_usd,
    sum(n * n) AS squares,
    sum(n * repeats) AS products,
    sum(repeats * repeats) AS repeat_squares
FROM entries GROUP BY task_type ORDER BY n DESC, task_type
