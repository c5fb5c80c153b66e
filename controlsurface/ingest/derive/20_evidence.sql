-- claim: spans that may be a model call. What decides is evidence: a model, and tokens, a cost, an answer's id, a reason
-- for its end or a time to its first token. A word that names a call is evidence too; one that names an agent, a
-- workflow or a tool only says that the span is none where calls lie below it.
CREATE OR REPLACE TEMP TABLE claim AS
SELECT
    trace_id,
    span_id,
    coalesce(purpose, 'user') AS purpose,
    coalesce(model, selected_model, requested_model) AS model_raw,
    is_call AS named,
    is_wrapper AND NOT is_call AS is_wrapper,
    status = 2 OR error_type IS NOT NULL AS failed,
    coalesce(cache_hit, FALSE) AS cached,
    carries_usage(input_tokens, output_tokens, total_tokens, cost_usd) AS has_usage,
    coalesce(input_tokens, 0) AS input_tokens,
    coalesce(output_tokens, 0) AS output_tokens,
    response_id,
    start_ns,
    end_ns,
    is_call OR (model_raw IS NOT NULL
        AND (has_usage OR ((response_id IS NOT NULL OR finish IS NOT NULL OR ttft_ms IS NOT NULL) AND NOT is_wrapper))
    ) AS is_candidate
FROM s
WHERE is_call OR is_wrapper OR response_id IS NOT NULL OR finish IS NOT NULL OR ttft_ms IS NOT NULL
    OR carries_usage(input_tokens, output_tokens, total_tokens, cost_usd);

-- nested: candidates with a candidate of the same purpose below them. A failed call without usage below one that has
-- usage is an attempt before it, and does not make it a wrapper. The CASE keeps the two joins to the keys of `chain`, which
-- leave few rows: a join of all claims of a trace by their purpose would come first.
CREATE OR REPLACE TEMP TABLE nested AS
SELECT
    outer_call.trace_id,
    outer_call.span_id,
    inner_call.span_id AS inner_id,
    chain.distance,
    outer_call.has_usage AS outer_has_usage,
    outer_call.model_raw AS outer_model
FROM chain
JOIN claim AS outer_call ON outer_call.trace_id = chain.trace_id AND outer_call.span_id = chain.ancestor_id
JOIN claim AS inner_call ON inner_call.trace_id = chain.trace_id AND inner_call.span_id = chain.span_id
WHERE chain.distance > 0 AND outer_call.is_candidate AND inner_call.is_candidate
    AND CASE WHEN outer_call.purpose = inner_call.purpose
        THEN NOT (outer_call.has_usage AND inner_call.failed AND NOT inner_call.has_usage)
    END;

-- innermost: candidates with none below.
CREATE OR REPLACE TEMP TABLE innermost AS
SELECT claim.trace_id, claim.span_id, claim.cached
FROM claim
ANTI JOIN nested ON nested.trace_id = claim.trace_id AND nested.span_id = claim.span_id
WHERE claim.is_candidate;

-- around: what the innermost calls below a candidate with usage come to together; barred are pairs of both with a tool or
-- an agent in between.
CREATE OR REPLACE TEMP TABLE around AS
WITH barred AS (
    SELECT DISTINCT nested.trace_id, nested.span_id, nested.inner_id
    FROM nested
    JOIN chain ON chain.trace_id = nested.trace_id AND chain.span_id = nested.inner_id
    JOIN claim ON claim.trace_id = chain.trace_id AND claim.span_id = chain.ancestor_id
    WHERE chain.distance BETWEEN 1 AND nested.distance - 1 AND claim.is_wrapper AND nested.outer_has_usage
)
SELECT
    nested.trace_id,
    nested.span_id,
    any_value(nested.distance) AS distance,
    any_value(nested.inner_id) AS only_id,
    count(*) AS calls,
    bool_or(inner_call.has_usage) AS has_usage,
    sum(inner_call.input_tokens) AS input_tokens,
    sum(inner_call.output_tokens) AS output_tokens,
    bool_or(lower(model_name(inner_call.model_raw)) IS NOT DISTINCT FROM lower(model_name(nested.outer_model))) AS same_model,
    bool_and(barred.inner_id IS NOT NULL) AS all_barred
FROM nested
JOIN claim AS inner_call ON inner_call.trace_id = nested.trace_id AND inner_call.span_id = nested.inner_id
ANTI JOIN nested AS deeper ON deeper.trace_id = nested.trace_id AND deeper.span_id = nested.inner_id
LEFT JOIN barred
    ON barred.trace_id = nested.trace_id AND barred.span_id = nested.span_id AND barred.inner_id = nested.inner_id
WHERE nested.outer_has_usage AND NOT inner_call.failed
GROUP BY nested.trace_id, nested.span_id;

-- lent: an innermost call whose usage only the span around it tells, where it is the only call there.
CREATE OR REPLACE TEMP TABLE lent AS
SELECT trace_id, only_id AS span_id, arg_min(span_id, distance) AS lender_id
FROM around
WHERE calls = 1 AND NOT has_usage
GROUP BY trace_id, only_id;

-- apart: spans named calls whose totals are not those of the calls below them: a tool that asks a model by itself, a
-- guard that runs within. The totals of a wrapper repeat in input, in output or in both.
CREATE OR REPLACE TEMP TABLE apart AS
SELECT claim.trace_id, claim.span_id, claim.cached
FROM claim
JOIN around ON around.trace_id = claim.trace_id AND around.span_id = claim.span_id
ANTI JOIN lent ON lent.trace_id = claim.trace_id AND lent.lender_id = claim.span_id
WHERE claim.named AND claim.input_tokens <> around.input_tokens AND claim.output_tokens <> around.output_tokens
    AND (around.all_barred OR (NOT around.same_model
        AND claim.input_tokens > around.input_tokens AND claim.output_tokens > around.output_tokens));

-- twin: two instruments beside each other told one call: one answer, the same usage, at the same time. The first counts.
-- Few answers are told twice, and one number finds them at a third of what comparing everything of all claims costs.
CREATE OR REPLACE TEMP TABLE twin AS
WITH answer AS (
    SELECT hash(trace_id, response_id) AS mark
    FROM claim
    WHERE is_candidate AND has_usage AND response_id IS NOT NULL
    GROUP BY mark
    HAVING count(*) > 1
),
told AS MATERIALIZED (
    SELECT claim.*
    FROM claim
    SEMI JOIN answer ON answer.mark = hash(claim.trace_id, claim.response_id)
    ANTI JOIN nested ON nested.trace_id = claim.trace_id AND nested.span_id = claim.span_id
    WHERE claim.is_candidate AND claim.has_usage
)
SELECT DISTINCT later.trace_id, later.span_id
FROM told AS later
JOIN told AS earlier
    ON earlier.trace_id = later.trace_id AND earlier.response_id = later.response_id AND earlier.purpose = later.purpose
    AND earlier.input_tokens = later.input_tokens AND earlier.output_tokens = later.output_tokens
WHERE later.cached = earlier.cached
    AND (earlier.start_ns, earlier.span_id) < (later.start_ns, later.span_id) AND later.start_ns < earlier.end_ns;
