-- uncounted: every span that carries tokens or a cost and is no counted call. It is explained where it repeats the calls
-- below it or the call above it; what is left is said to be unexplained, so that nothing is silently absent.
CREATE OR REPLACE TEMP TABLE counted_calls AS
SELECT calls.trace_id, calls.span_id, calls.cached, usage.input_tokens, usage.output_tokens, usage.cost_usd
FROM calls
LEFT JOIN usage ON usage.trace_id = calls.trace_id AND usage.span_id = calls.span_id;

CREATE OR REPLACE TEMP TABLE unlisted AS
SELECT claim.*, coalesce(counted_calls.cached, FALSE) AS repeats_saved
FROM claim
LEFT JOIN counted_calls ON counted_calls.trace_id = claim.trace_id AND counted_calls.span_id = claim.span_id
WHERE claim.has_usage AND (counted_calls.span_id IS NULL OR counted_calls.cached);

CREATE OR REPLACE TEMP TABLE uncounted AS
WITH below AS (
    SELECT
        unlisted.trace_id,
        unlisted.span_id,
        sum(coalesce(counted_calls.input_tokens, claim.input_tokens)) AS input_tokens,
        sum(coalesce(counted_calls.output_tokens, claim.output_tokens)) AS output_tokens,
        CASE WHEN bool_and(counted_calls.cost_usd > 0) THEN sum(counted_calls.cost_usd) END AS cost_usd
    FROM unlisted
    JOIN chain ON chain.trace_id = unlisted.trace_id AND chain.ancestor_id = unlisted.span_id AND chain.distance > 0
    JOIN counted_calls ON counted_calls.trace_id = chain.trace_id AND counted_calls.span_id = chain.span_id
    LEFT JOIN claim ON claim.trace_id = chain.trace_id AND claim.span_id = chain.span_id
    GROUP BY unlisted.trace_id, unlisted.span_id
),
above AS (
    SELECT unlisted.trace_id, unlisted.span_id, max(counted_calls.input_tokens) AS input_tokens, max(counted_calls.output_tokens) AS output_tokens
    FROM unlisted
    JOIN chain ON chain.trace_id = unlisted.trace_id AND chain.span_id = unlisted.span_id AND chain.distance > 0
    JOIN counted_calls ON counted_calls.trace_id = chain.trace_id AND counted_calls.span_id = chain.ancestor_id
    GROUP BY unlisted.trace_id, unlisted.span_id
)
SELECT
    s.trace_id,
    s.span_id,
    s.started_at,
    s.service,
    s.name,
    CASE
        WHEN unlisted.repeats_saved THEN 'cache'
        WHEN twin.span_id IS NOT NULL THEN 'twin'
        WHEN lent.lender_id IS NOT NULL THEN 'wrapper'
        WHEN below.span_id IS NULL THEN NULL
        WHEN s.input_tokens > 0 OR s.output_tokens > 0 THEN CASE
            WHEN unlisted.input_tokens <= below.input_tokens AND unlisted.output_tokens <= below.output_tokens THEN 'wrapper'
            WHEN s.input_tokens > 0 AND unlisted.input_tokens = below.input_tokens THEN 'wrapper'
            WHEN s.output_tokens > 0 AND unlisted.output_tokens = below.output_tokens THEN 'wrapper'
        END
        WHEN s.total_tokens > 0 THEN CASE
            WHEN s.total_tokens <= below.input_tokens + below.output_tokens THEN 'wrapper'
        END
        WHEN below.cost_usd IS NULL OR s.cost_usd <= below.cost_usd * (1 + 1e-6) THEN 'wrapper'
    END AS wraps,
    CASE
        WHEN wraps IS NOT NULL THEN wraps
        WHEN unlisted.input_tokens <= above.input_tokens AND unlisted.output_tokens <= above.output_tokens THEN 'part'
    END AS explanation,
    CASE
        WHEN explanation IS NOT NULL THEN NULL
        WHEN unlisted.model_raw IS NULL THEN 'no_model'
        ELSE 'more_than_its_calls'
    END AS problem,
    s.input_tokens,
    s.output_tokens,
    s.cost_usd
FROM unlisted
JOIN s ON s.trace_id = unlisted.trace_id AND s.span_id = unlisted.span_id
LEFT JOIN (SELECT DISTINCT trace_id, lender_id FROM lent) AS lent
    ON lent.trace_id = unlisted.trace_id AND lent.lender_id = unlisted.span_id
LEFT JOIN twin ON twin.trace_id = unlisted.trace_id AND twin.span_id = unlisted.span_id
LEFT JOIN below ON below.trace_id = unlisted.trace_id AND below.span_id = unlisted.span_id
LEFT JOIN above ON above.trace_id = unlisted.trace_id AND above.span_id = unlisted.span_id;
