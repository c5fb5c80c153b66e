"""Ways to route, side by side: what each would have done to the traffic of the window, and what that rests on."""

from typing import Any

import polars as pl
import streamlit as st

from controlsurface.audit.strategies_query import StrategiesQuery
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.query_protocol import Result
from controlsurface.errors import NotFound, TooMuch
from controlsurface.formatting import format_interval, format_ratio
from controlsurface.query.arguments import WeekRange
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_text
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import data_table

NAMES = {
    "as_routed": "As routed",
    "all_small": "All small",
    "all_large": "All large",
    "rules": "Rules by task type",
    "classifier": "Content classifier",
    "cascade": "Cascade",
    "threshold": "Router with threshold",
}
_UNITS = {
    **dict.fromkeys(("escalation_rate", "quality"), "ratio"),
    **dict.fromkeys(("cost_usd", "overhead_usd"), "usd"),
    **dict.fromkeys(("latency_ms", "overhead_ms"), "ms"),
    **dict.fromkeys(("break_even_requests", "quality_n", "cost_n"), "count"),
}
_LABELS = {
    "strategy": "Strategy",
    "escalation_rate": "Escalated",
    "quality": "Quality",
    "interval": "95 % interval, or bounds",
    "cost_usd": "Cost per request",
    "latency_ms": "Latency (mean)",
    "overhead_usd": "Deciding costs",
    "overhead_ms": "Deciding takes",
    "break_even_requests": "Break-even, requests a month",
    "quality_n": "Answers graded",
    "cost_n": "Answers priced",
}


def strategy_table(view: DashboardView) -> None:
    """The table, and under it what it rests on."""
    whole = view.widened(collector_queries.SLOW_ANSWER_TTL)
    try:
        found = collector_queries.fetch_slow_cached(StrategiesQuery(WeekRange(start=whole.start, end=whole.end)))
    except NotFound:
        states.empty_state("Nothing to compare", "No request of this window was answered by a small or large lane.")
        return
    except TooMuch as problem:
        states.empty_state("Too many requests", html_text(str(problem)))
        return
    rows = as_polars(found.rows)
    shown = rows.with_columns(
        pl.col("strategy").replace_strict(NAMES),
        pl.struct("quality", "quality_low", "quality_high", "quality_lowest", "quality_highest")
        .map_elements(quality_range, pl.String)
        .alias("interval"),
    )
    data_table(shown.select([*_LABELS]), _UNITS, "strategies", labels=_LABELS, download=rows.drop("assumptions"))
    st.caption(escape_markdown(_basis(found)))
    st.markdown("\n".join(f"- {escape_markdown(line)}" for line in assumption_lines(rows)))


def quality_range(row: dict[str, Any]) -> str:
    """The interval of a quality; where there is no figure, what it lies between whatever nobody saw.

    >>> quality_range({"quality": None, "quality_lowest": 0.4, "quality_highest": 1.0})
    'no evidence: 40.0 % to 100.0 %'
    """
    if row["quality"] is None:
        return f"no evidence: {format_interval(row['quality_lowest'], row['quality_highest'], 'ratio')}"
    if row["quality_low"] is None:
        return "too few"
    return format_interval(row["quality_low"], row["quality_high"], "ratio")


def _basis(found: Result) -> str:
    facts = found.facts
    priced = found.rows["priced_share"][0].as_py()
    small = ", ".join(facts["small_tasks"]) or "no task type"
    left = f" {facts['left_out']:,} without such a confidence are left out." if facts["left_out"] else ""
    return (
        f"{facts['n']:,} requests, {format_ratio(priced)} of them priced.{left} Quality is "
        f"{facts['quality_is'] or 'unknown: compare or grade pairs of answers'}. Rules send to the small lane: {small}."
    )


def assumption_lines(rows: pl.DataFrame) -> list[str]:
    """What each strategy's figures assume."""
    return [
        f"{NAMES[row['strategy']]}: {'; '.join(row['assumptions'])}."
        for row in rows.select("strategy", "assumptions").iter_rows(named=True)
        if row["assumptions"]
    ]
