"""What it cost to change the model within a conversation: the new model's prompt cache was cold.

A switch is a call of another model than the call before it in the same session, not longer after it than providers
keep a prompt (`within`). Had the model been used before, a part of what both prompts share, at most the shorter one,
would have come from its cache: the part that does so where the same model is called again (`warm_share`, of `stays`
such calls). What did not is cold, and each of its tokens cost what the model's price list takes more for fresh input
than for cached, as stored with calls that had some. All of it is an estimate; `most_usd` is the bound with a cache
that misses nothing. Costs are already in what calls cost, and so in every saving.
"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from controlsurface.query.arguments import FilteredRange, StepLength
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement, row_limit, where_clause, window_conditions


class SwitchingArgs(FilteredRange):
    """Which switches, and what to break them down by."""

    by: str = Field("", description="a dimension of calls; none: by the two models alone")
    within: Annotated[StepLength, Field(gt=timedelta(0), le=timedelta(days=1))] = Field(
        timedelta(minutes=5), description="how long a provider keeps a prompt; a later call would be cold anyway"
    )


def render_switching(args: SwitchingArgs) -> Statement:
    """Rows, the dearest first: name, from_model, to_model and figures; see SwitchingCostQuery."""
    found, parameters = window_conditions("attempts", args)
    timed, _ = window_conditions("attempts", FilteredRange(start=args.start, end=args.end))
    name = f"r.{dimension_column('attempts', args.by)}" if args.by else "CAST(NULL AS VARCHAR)"
    edges: dict[str, Any] = {"from": args.start, "to": args.end, "within": args.within // timedelta(microseconds=1)}
    sql = f"""WITH calls AS (
    SELECT
        *, lag(model) OVER session AS before, lag(started_at) OVER session AS before_at,
        least(input_tokens, lag(input_tokens) OVER session) AS shared
    FROM attempts
    WHERE purpose = 'user' AND session_id IS NOT NULL AND model IS NOT NULL AND input_tokens IS NOT NULL AND NOT failed
        AND started_at >= CAST($from AS TIMESTAMP) - to_microseconds($within) AND started_at < CAST($to AS TIMESTAMP)
    WINDOW session AS (PARTITION BY tenant, session_id ORDER BY started_at, trace_id, span_id)
),
near AS (
    SELECT * FROM calls AS r{where_clause([*timed, "r.before_at >= r.started_at - to_microseconds($within)"])}
),
warm AS (
    SELECT
        model, count(*) AS stays,
        CASE WHEN sum(shared) > 0
            THEN least(1, sum(sample_weight * cached_tokens) / sum(sample_weight * shared)) END AS warm_share
    FROM near
    WHERE model = before AND cached_tokens IS NOT NULL
    GROUP BY model
),
rates AS (
    SELECT r.model, CAST(sum(r.cache_saving_usd) AS DOUBLE) / sum(r.cached_tokens) AS usd
    FROM attempts AS r{where_clause([*timed, "r.cached_tokens > 0", "r.cache_saving_usd IS NOT NULL"])}
    GROUP BY r.model
),
switches AS (
    SELECT
        {name} AS name, r.before AS from_model, r.model AS to_model, r.sample_weight AS weight, r.shared,
        stays, warm_share, rates.usd,
        {_not_below_zero("warm_share * r.shared - r.cached_tokens")} AS cold,
        {_not_below_zero("r.shared - r.cached_tokens")} AS most
    FROM near AS r
    LEFT JOIN warm ON warm.model = r.model
    LEFT JOIN rates ON rates.model = r.model{where_clause([*found, "r.model <> r.before"])}
)
SELECT
    name, from_model, to_model, sum(weight) AS switches, count(*) AS n, count(cold * usd) AS known,
    CAST(sum(weight * shared) AS DOUBLE) AS shared_tokens, sum(weight * cold) AS cold_tokens,
    sum(weight * cold * usd) AS cost_usd, sum(weight * most * usd) AS most_usd,
    any_value(warm_share) AS warm_share, coalesce(any_value(stays), 0) AS stays
FROM switches
GROUP BY name, from_model, to_model
ORDER BY cost_usd DESC NULLS LAST, name NULLS LAST, from_model, to_model
LIMIT $row_limit"""
    return Statement(sql, parameters | edges | row_limit(), "costs.switching")


def _not_below_zero(number: str) -> str:
    """The number, or 0; unknown stays unknown, which `greatest` passes over."""
    return f"CASE WHEN {number} IS NOT NULL THEN greatest(0, {number}) END"
