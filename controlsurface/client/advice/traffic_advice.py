"""Advice about traffic that repeats itself: few task types that are most of it, prompts that a cache would answer."""

import numpy as np

from controlsurface.client.advice.advice_context import AdviceContext
from controlsurface.client.advice.advice_row import (
    MIN_SUPPORT_ROWS,
    Advice,
    Row,
    RuleFinding,
    row_advice,
    share_with_interval,
    shares_above,
)
from controlsurface.client.advice.repeated_calls import RepeatedCalls, repeated_calls
from controlsurface.formatting import format_money, format_period, format_ratio
from controlsurface.metrics.statistics import wilson_interval

MOST_TRAFFIC_SHARE = 0.8  # of requests
MAX_TASK_TYPE_SHARE = 1 / 3  # of task types that may make up most of the traffic, where few do
MIN_TASK_TYPES = 5  # under which it says nothing that few of them are most of the traffic
MIN_REPEATED_SHARE = 0.05  # of calls that repeat a prompt, from which a cache is worth a word


def advise_repetitive_traffic(ask: AdviceContext) -> RuleFinding:
    """Whether few of many task types are most of all requests, those without a task type among all."""
    rows = [row for row in ask.rows("requests", by=("task_type",)) if row["value"]]
    total = {"value": ask.total("requests"), "n": sum(row["n"] for row in ask.rows("requests"))}
    named = sorted((row for row in rows if row["task_type"]), key=lambda row: (-row["value"], row["task_type"]))
    first = _fewest(named, MOST_TRAFFIC_SHARE * total["value"])
    few = len(named) >= MIN_TASK_TYPES and 0 < len(first) <= MAX_TASK_TYPE_SHARE * len(named)
    if not few or total["n"] < MIN_SUPPORT_ROWS:
        return RuleFinding([], total["n"])
    row = _together(first, total)
    names = ", ".join(each["task_type"] for each in first)
    why = (
        f"{names}: {share_with_interval(row)} of all requests, {len(first)} of {len(named)} task types. "
        "Traffic so well scoped can be routed by task type alone; compare that with the router before it grows."
    )
    title = f"{len(first)} of {len(named)} task types are most of the traffic: route them by rule"
    return RuleFinding(
        [row_advice("repetitive", title, why, "task_type_share", row, "", "routing", row["value"])], total["n"]
    )


def _fewest(rows: list[Row], wanted: float) -> list[Row]:
    """The first rows that together have so much; none where all of them have less."""
    sums = np.cumsum([row["value"] for row in rows])
    enough = int(np.searchsorted(sums, wanted))
    return rows[: enough + 1] if enough < len(rows) else []


def _together(rows: list[Row], total: Row) -> Row:
    """Their share of all requests, as one row of a metric."""
    share = sum(row["value"] for row in rows) / total["value"]
    low, high = wilson_interval(np.array([share]), np.array([float(total["n"])]))
    return {"value": share, "low": float(low[0]), "high": float(high[0]), "n": total["n"]}


def advise_caching(ask: AdviceContext) -> RuleFinding:
    """Task types of which many calls repeat a prompt word by word while a cache would still have its answer."""
    found = repeated_calls(ask.session, ask.start, ask.end)
    total = sum(each.n for each in found) or 1
    many = [row["task_type"] for row in shares_above([each.row for each in found], MIN_REPEATED_SHARE)]
    advice = [_caches(each, ask, total) for each in found if each.task_type in many]
    return RuleFinding(advice, max((each.n for each in found), default=0))


def _caches(repeats: RepeatedCalls, ask: AdviceContext, total: int) -> Advice:
    terms, task = ask.session.config.advice, repeats.task_type
    whose = "for any tenant" if terms.cache_across_tenants else "for the same tenant"
    why = (
        f"{share_with_interval(repeats.row)} of its calls repeat, word by word, a prompt that the same model answered "
        f"{whose} at most {format_period(terms.cache_ttl)} before; {_saving(repeats)} "
        "Prompts that differ in a time or an id are not among them."
    )
    share = repeats.share * repeats.n / total
    title = f"Cache answers of {task or 'unknown task type'}"
    return row_advice("cache", title, why, "repeated_call_share", repeats.row, f"task_type:{task or ''}", "cost", share)


def _saving(repeats: RepeatedCalls) -> str:
    if repeats.saved_usd is None or repeats.cost_usd is None:
        return "what they cost is unknown."
    priced = f", {format_ratio(repeats.priced_share)} of them priced" if repeats.priced_share < 1 else ""
    return f"they cost {format_money(repeats.saved_usd)} of {format_money(repeats.cost_usd)}{priced}."
