"""Advice about what costs more than it must, and about calls whose cost is unknown for lack of token counts."""

from datetime import timedelta

from controlsurface.client.advice.advice_context import AdviceContext
from controlsurface.client.advice.advice_row import (
    MIN_SUPPORT_ROWS,
    Advice,
    Row,
    RuleFinding,
    largest_support,
    row_advice,
    rows_with_support,
    share_with_interval,
    shares_above,
    shares_below,
)
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.incidents import ControlCostArgs, ControlCostQuery
from controlsurface.formatting import format_count, format_money, format_ratio
from controlsurface.money.break_even import break_even_requests
from controlsurface.money.control.control_cost import KNOWN_ENOUGH

MIN_REALTIME_JOB_SHARE = 0.1  # of job requests in real time, from which batching is worth a word
MONTH = timedelta(days=30)
MIN_PRICED_SHARE = 0.99  # of a model's calls
MIN_FULL_WINDOW_SHARE = 0.02  # of calls, from which a full window is no exception


Saving = tuple[float, float, float]  # as it is, and both ends by the intervals of its means


def _saved_by_small_lanes(ask: AdviceContext) -> tuple[Saving, int]:
    """USD that small answers save against the mean cost of large ones of the same task type, and how many they are."""
    small, large = (
        {row["task_type"]: row for row in ask.rows("cost_per_request", ("task_type",), ask.lanes(escalation=of))}
        for of in (False, True)
    )
    both = [
        (small[task], row) for task, row in large.items() if task in small and rows_with_support([row, small[task]])
    ]
    both = [(one, other) for one, other in both if one["n"] >= MIN_SUPPORT_ROWS and other["n"] >= MIN_SUPPORT_ROWS]
    ends = (("value", "value"), ("high", "low"), ("low", "high"))
    saved, least, most = (
        sum((_usd(other, their) - _usd(one, ours)) * one["n"] for one, other in both) for ours, their in ends
    )
    return (saved, least, most), sum(one["n"] for one, _ in both)


def _usd(row: Row, end: str) -> float:
    """A mean cost or an end of its interval; the mean where there is none."""
    return float(row["value"] if row.get(end) is None else row[end])


def advise_overhead(ask: AdviceContext) -> RuleFinding:
    """Whether the router's own calls cost more than small answers save against large ones of the same task type."""
    (saved, _, _), n = _saved_by_small_lanes(ask)
    spent = ask.total("overhead_cost")
    if not n or spent <= saved:
        return RuleFinding([], n)
    why = (
        f"Classifiers, judges and shadows cost {format_money(spent)}; {n:,} answers of small lanes saved "
        f"{format_money(saved)} against the mean cost of large ones of the same task type. "
        "Below break-even a router costs more than it saves."
    )
    row = {"value": spent, "n": n}
    advice = row_advice("overhead", "Make the router cheaper", why, "overhead_cost", row, "", "cost", 1, "usd")
    return RuleFinding([advice], n)


def advise_break_even(ask: AdviceContext) -> RuleFinding:
    """Whether there are too few requests for what the router costs by the month, even where it saves most."""
    fixed = ask.session.config.advice.router_usd_per_month
    saved, n = _saved_by_small_lanes(ask)
    requests, spent = ask.total("requests"), ask.total("overhead_cost")
    if not (fixed and n and requests):
        return RuleFinding([], n)
    needed, most, least = (break_even_requests(fixed, each / requests, spent / requests) for each in saved)
    now = requests * (MONTH / ask.length)
    if needed is None or least is None or now >= least:
        return RuleFinding([], n)
    why = (
        f"{format_money(fixed)} a month and {format_money(spent / requests)} a request, which saves "
        f"{format_money(saved[0] / requests)}, are even at {format_count(needed)} requests a month; "
        f"there are {format_count(now)}, by this window."
    )
    row = {"value": needed, "low": least, "high": most, "n": n}
    title = "Route by rule until there are more requests"
    return RuleFinding([row_advice("break_even", title, why, "break_even_requests", row, "", "cost", 1, "count")], n)


def advise_debugging(ask: AdviceContext) -> RuleFinding:
    """Whether engineers' time on incidents cost more than the calls: what is known of it, against all of the calls."""
    window = ControlCostArgs(start=ask.start, end=ask.end)
    (cost,) = as_dicts(ControlCostQuery(window).run(ask.session).rows) or [{}]
    (calls,) = ask.rows("requests")
    people, spent, priced = (cost.get(name) for name in ("engineer_usd", "calls_usd", "priced_share"))
    if not cost.get("incidents") or people is None:
        return RuleFinding([], 0)
    if spent is None or (priced or 0) < KNOWN_ENOUGH or people <= spent or calls["n"] < MIN_SUPPORT_ROWS:
        return RuleFinding([], calls["n"])
    why = (
        f"{cost['engineer_minutes']:,.0f} minutes on {cost['incidents']:,.0f} incidents cost {format_money(people)}, "
        f"the calls {format_money(spent)}. Where debugging costs more than tokens, cheaper prompts gain little: "
        "fix the boundaries between lanes, steps and schemas."
    )
    row = {"value": people, "n": calls["n"]}
    title = "Fix boundaries before prompts: incidents cost more than calls"
    return RuleFinding([row_advice("debugging", title, why, "engineer_cost", row, "", "cost", 1, "usd")], calls["n"])


def advise_unpriced(ask: AdviceContext) -> RuleFinding:
    """Models whose calls have no price: what they cost is unknown, and every total is too low.

    Calls without token counts are not among them: a price would not help (see `usage`).
    """
    rows = ask.rows("priced_share", by=("model",))
    unpriced = {row["model"]: row["value"] for row in ask.rows("unpriced_attempts", by=("model",))}
    lost = {row["model"]: row["value"] for row in ask.rows("calls_without_usage", by=("model",))}
    total = sum(row["n"] for row in rows) or 1
    poor = shares_below(rows, MIN_PRICED_SHARE)
    priceless = {row["model"]: 1 - lost.get(row["model"], 0) / unpriced[row["model"]] for row in poor}
    wanted = [row for row in poor if (1 - row["value"]) * priceless[row["model"]] > 1 - MIN_PRICED_SHARE]
    return RuleFinding([_unpriced(row, row["n"] / total) for row in wanted], largest_support(rows))


def _unpriced(row: Row, share: float) -> Advice:
    model = row["model"]
    why = (
        f"{share_with_interval(row)} of its calls are fully priced; "
        "what is missing of the others is missing in every total."
    )
    title = f"Give {model or 'the unnamed model'} a price in prices.toml"
    return row_advice("unpriced", title, why, "priced_share", row, f"model:{model or ''}", "cost", share)


def advise_batching(ask: AdviceContext) -> RuleFinding:
    """Jobs, for which nobody waits, that are sent in real time."""
    rows = ask.rows("batchable_share", by=("job",))
    total = ask.total("requests") or 1
    known = [row for row in rows if row["job"] is not None]
    return RuleFinding(
        [_waits(row, total) for row in shares_above(known, MIN_REALTIME_JOB_SHARE)], largest_support(known)
    )


def _waits(row: Row, total: float) -> Advice:
    why = (
        f"{share_with_interval(row)} of its requests are sent in real time, though nobody waits for a job; "
        "batch calls cost less."
    )
    job, share = row["job"], row["value"] * row["n"] / total
    return row_advice("batchable", f"Send {job} as batch", why, "batchable_share", row, f"job:{job}", "cost", share)


def advise_full_windows(ask: AdviceContext) -> RuleFinding:
    """Task types whose input often fills most of a small lane's window."""
    rows = ask.rows("context_over_80", by=("task_type",), where=ask.lanes(escalation=False))
    total = sum(row["n"] for row in rows) or 1
    found = [_fills(row, row["value"] * row["n"] / total) for row in shares_above(rows, MIN_FULL_WINDOW_SHARE)]
    return RuleFinding(found, largest_support(rows))


def _fills(row: Row, share: float) -> Advice:
    task = row["task_type"]
    why = (
        f"{share_with_interval(row)} of its calls to small lanes fill more than {format_ratio(0.8)} "
        "of the model's window."
    )
    title = f"Send long inputs of {task or 'unknown task type'} past the small lane"
    return row_advice("window", title, why, "context_over_80", row, f"task_type:{task or ''}", "routing", share)


STREAM_USAGE_HINT = "set `stream_options.include_usage`"
SPAN_USAGE_HINT = "set `gen_ai.usage.input_tokens` and `gen_ai.usage.output_tokens`"


def missing_usage_text(calls: int, streamed: int) -> tuple[str, str]:
    """What is missing, and what to do: one thing for streams, another for answers that came whole.

    >>> missing_usage_text(60, 60)
    ('60 streamed calls came without usage', 'set `stream_options.include_usage`')
    >>> missing_usage_text(1, 0)[0]
    '1 call came without usage'
    >>> missing_usage_text(9, 2)[0]
    '9 calls, 2 of them streamed, came without usage'
    """
    noun = "call" if calls == 1 else "calls"
    if streamed >= calls:
        return f"{calls:,} streamed {noun} came without usage", STREAM_USAGE_HINT
    if not streamed:
        return f"{calls:,} {noun} came without usage", f"{SPAN_USAGE_HINT}; if they are streamed, {STREAM_USAGE_HINT}"
    return (
        f"{calls:,} {noun}, {streamed:,} of them streamed, came without usage",
        f"{STREAM_USAGE_HINT}; for others {SPAN_USAGE_HINT}",
    )


MIN_MISSING_SHARE = 0.01  # of a model's calls


def advise_missing_usage(ask: AdviceContext) -> RuleFinding:
    """Models of which many calls came without token counts, so that what they cost is unknown."""
    calls = {row["model"]: row for row in ask.rows("priced_share", by=("model",))}
    lost = {row["model"]: row for row in ask.rows("calls_without_usage", by=("model",))}
    streamed = {row["model"]: row["value"] for row in ask.rows("streamed_calls_without_usage", by=("model",))}
    total = sum(row["n"] for row in calls.values()) or 1
    found = [
        _lacks_usage(row, streamed.get(model, 0), row["n"] / total)
        for model, row in lost.items()
        if row["n"] >= max(MIN_SUPPORT_ROWS, MIN_MISSING_SHARE * calls[model]["n"])
    ]
    return RuleFinding(found, largest_support([*calls.values()]))


def _lacks_usage(row: Row, streamed: float, share: float) -> Advice:
    model = row["model"]
    what, do = missing_usage_text(round(row["value"]), round(streamed))
    title = f"{model or 'The unnamed model'}: {what}: {do.partition(';')[0]}"
    why = f"{do[:1].upper()}{do[1:]}. What these calls cost is unknown, and no price could say it."
    where = f"model:{model or ''}"
    return row_advice("usage", title, why, "calls_without_usage", row, where, "cost", share, "count")
