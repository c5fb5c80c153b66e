"""The window that holds pairs, and a plan before it is made: its pairs of a week, their cost, what they would tell."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import streamlit as st

from controlsurface.audit.sampling_plan import CreatePlanCommand, SamplingPlanArgs, SamplingPlanQuery
from controlsurface.errors import ControlSurfaceError, NotFound
from controlsurface.formatting import format_count, format_period, format_ratio, format_value
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.data.comparison import MetricValue, metric_value
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text
from controlsurface.ui.view import MIN_SHARE_ROWS, TIME_RANGES, WEEK, DashboardView

RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
DEFAULT_RATE, PLAN_MADE_KEY = 0.05, "_plan made"
Z_95 = 1.959963984540054


def view_with_pairs(view: DashboardView) -> DashboardView:
    """The view, or where nobody chose a range and it holds too few pairs, the shortest longer one that holds enough.

    Enough are MIN_SHARE_ROWS of half of the task types; where no range has them, of any.
    """
    if {"range", "from", "zoom"} & {*st.query_params}:
        return view
    lengths = [length for length, _ in TIME_RANGES.values() if length > view.end - view.start]
    views = [view, *(replace(view, start=view.end - length) for length in lengths)]
    counts = [_pairs_by_task_type(each) for each in views]
    for enough in (_most_have, any):
        for wide, pairs in zip(views, counts, strict=True):
            if pairs and enough(n >= MIN_SHARE_ROWS for n in pairs):
                if wide is not view:
                    length = format_period(wide.end - wide.start)
                    st.caption(
                        f"Pairs of the last {escape_markdown(length)}, until a range is chosen: fewer are too few."
                    )
                return wide
    return view


def _most_have(flags: Iterable[bool]) -> bool:
    """Whether half of them are true."""
    known = [*flags]
    return sum(known) * 2 >= len(known)


def _pairs_by_task_type(view: DashboardView) -> list[int]:
    """How many pairs of each task type a view holds; filters that pairs do not know are left out."""
    rows = collector_queries.query_metric("comparisons", by=["task_type"], within=replace(view, where=()))
    return rows["n"].to_list()


def plan_panel(view: DashboardView) -> None:
    """Choose a rate, see its pairs, cost and precision, and make the plan."""
    if said := st.session_state.pop(PLAN_MADE_KEY, None):
        st.success(escape_markdown(said))
    st.caption(escape_markdown(_in_force()))
    rate = st.select_slider(
        "Share of requests to shadow", RATES, value=DEFAULT_RATE, format_func=format_ratio, key="rate"
    )
    week = replace(view, start=view.end - WEEK)
    asked = metric_value(collector_queries.query_metric("requests", within=week.only("cache", None)))
    shadow, rate_now = _shadow_cost(replace(view, start=view.end - 4 * WEEK)), _disagreement(view)
    tiles = (_tile(*each) for each in plan_figures(rate, asked.value or 0, shadow, rate_now))
    st.html(html_tag("div", *tiles, class_="cs-tiles", role="status"))
    _plan_form(rate)


def plan_figures(
    rate: float, requests: float, shadow: MetricValue, disagreement: MetricValue
) -> list[tuple[str, str, str]]:
    """Title, figure and basis of each tile: the pairs of a week, their cost, and the interval that they would have."""
    pairs = rate * requests
    known = shadow.n >= MIN_SHARE_ROWS and shadow.value is not None
    cost = format_value(pairs * (shadow.value or 0), "usd") if known else "unknown"
    priced = f"mean of {shadow.n:,} priced shadow calls" if known else f"{shadow.n:,} shadow calls with a price"
    said = disagreement.n >= MIN_SHARE_ROWS and disagreement.value is not None
    share = disagreement.value if said and disagreement.value is not None else 0.5
    half = Z_95 * math.sqrt(share * (1 - share) / pairs) if pairs >= MIN_SHARE_ROWS else None
    basis = f"at a disagreement of {format_ratio(share)}" if said else "at the widest: disagreement is unknown"
    return [
        ("Pairs a week", format_count(round(pairs)), f"of {format_count(round(requests))} requests without cache"),
        ("Cost a week", cost, priced),
        ("Disagreement known to", "too few" if half is None else f"± {half * 100:.1f} pp", f"{basis}, after a week"),
    ]


def _shadow_cost(view: DashboardView) -> MetricValue:
    """The mean cost of a shadow call, and how many with a price it rests on."""
    rows = collector_queries.query_metric("cost", by=["purpose"], within=replace(view, where=()))
    for row in rows.to_dicts():
        if row["purpose"] == "shadow" and row["n"]:
            return MetricValue(float(row["value"] or 0) / row["n"], row["n"])
    return MetricValue()


def _disagreement(view: DashboardView) -> MetricValue:
    return metric_value(collector_queries.query_metric("disagreement_rate", within=replace(view, where=())))


def _tile(title: str, value: str, basis: str) -> str:
    return html_tag(
        "dl",
        html_tag("dt", html_text(title)),
        html_tag("dd", html_text(value), class_="value"),
        html_tag("dd", html_text(basis), class_="facts"),
        class_="cs-tile",
    )


def _in_force() -> str:
    """The plan that routers ask for now."""

    def asked() -> Mapping[str, Any] | None:
        try:
            return collector_queries.collector_client().run(SamplingPlanQuery()).facts
        except NotFound:
            return None

    plan = collector_queries.run_or_show_error(asked)
    if plan is None:
        return "No plan is in force yet. Routers ask GET /api/v1/sampling/REQUEST_ID whether to shadow."
    since = time_zone.minute_text(datetime.fromisoformat(plan["made_at"]))
    return f"Plan v{plan['version']} is in force: {format_ratio(plan['rate'])} of requests, since {since}."


def _plan_form(rate: float) -> None:
    """A form that makes the plan, from the traffic of the last week."""
    with st.form("plan", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        who = visitor.name_field("Author", "plan_author", width=200)
        if not st.form_submit_button("Make this plan", type="secondary"):
            return
    if not who:
        st.warning("An author is needed: the history of plans shows it.")
        return
    try:
        made = collector_queries.collector_client().execute(CreatePlanCommand(SamplingPlanArgs(rate=rate), who))
    except ControlSurfaceError as problem:
        st.warning(f"Not made: {escape_markdown(problem)}")
        return
    st.session_state[PLAN_MADE_KEY] = f"Plan v{made['version']} is in force. Routers that ask for it follow it now."
    st.rerun()
