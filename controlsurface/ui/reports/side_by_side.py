"""Two populations or windows side by side: versions, tiles and metrics around an event, sample requests of both."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import streamlit as st

from controlsurface.formatting import (
    format_count,
    format_duration,
    format_value,
)
from controlsurface.ui.data import collector_queries, comparison
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text
from controlsurface.ui.view import DashboardView, absolute_view

BY_ROUTER_VERSION, WITH_WEEK_BEFORE, WITH_TIME_BEFORE = "router versions", "a week before", "the time before"
# what tells the arms of a canary or an experiment apart
ARM_DIMENSIONS = {
    BY_ROUTER_VERSION: "router_version",
    "architectures": "architecture",
    "routers": "router",
    "services": "service",
    "environments": "environment",
}
Population = tuple[str, DashboardView]


def choose_populations(view: DashboardView) -> tuple[Population, Population] | None:
    """Draw the choice of what to compare; the two sides with their names, or None where there are not two."""
    names = {way: _arms(view, dimension) for way, dimension in ARM_DIMENSIONS.items()}
    usual = next((way for way, found in names.items() if len(found) > 1), WITH_WEEK_BEFORE)
    ways = [way for way, found in names.items() if way == BY_ROUTER_VERSION or len(found) > 1]
    way = st.segmented_control(
        "Compare",
        [*ways, WITH_WEEK_BEFORE, WITH_TIME_BEFORE],
        default=usual,
        required=True,
        key="way",
        bind="query-params",
    )
    if way in names:
        return _choose_arms(names[way], view, ARM_DIMENSIONS[way]) if len(names[way]) > 1 else None
    if way == WITH_TIME_BEFORE:
        return (WITH_TIME_BEFORE, replace(view, start=view.start - (view.end - view.start), end=view.start)), (
            "this window",
            view,
        )
    return (WITH_WEEK_BEFORE, view.week_before), ("this window", view)


def chosen_dimension() -> str | None:
    """What tells the two sides apart; None where they are periods."""
    return ARM_DIMENSIONS.get(st.session_state.get("way", ""))


def _without(view: DashboardView, dimension: str) -> DashboardView:
    """The view without its filter of this dimension: an arm is one itself."""
    return replace(view, where=tuple(each for each in view.where if not each.startswith(f"{dimension}:")))


def _arms(view: DashboardView, dimension: str) -> list[str]:
    """The values of a dimension, in the order in which they came up."""
    about = _without(view, dimension)
    rows = collector_queries.query_metric("requests", by=[dimension], every=view.step, within=about)
    first = rows.drop_nulls(dimension).group_by(dimension).agg(pl.col("bucket").min())
    return first.sort("bucket", dimension)[dimension].to_list()


def _choose_arms(names: list[str], view: DashboardView, dimension: str) -> tuple[Population, Population]:
    """The two values that came last, unless others are chosen."""
    left, right = st.columns(2)
    label = dimension.replace("_", " ")
    one = left.selectbox(f"A: {label}", names, index=len(names) - 2, key="one", bind="query-params")
    other = right.selectbox(f"B: {label}", names, index=len(names) - 1, key="other", bind="query-params")
    first, second = one or names[-2], other or names[-1]
    about = _without(view, dimension)
    return (first, about.only(dimension, first)), (second, about.only(dimension, second))


COMPARED_METRICS = {
    "escalation_rate": "Escalation rate",
    "confidence_below_threshold": "Below threshold",
    "cost_per_request": "Cost per request",
    "latency_mean": "Mean latency",
    "latency_p95": "P95 latency",
    "error_rate": "Error rate",
}
MAX_EVENT_WINDOW = timedelta(hours=6)  # at most, before and after an event


def before_after_tiles(now: DashboardView, before: DashboardView, against: str, names: Sequence[str]) -> None:
    """A tile for each metric: its value in the selection, that of the baseline, and the change."""
    drawn = (_tile(*both, name, against) for name, both in _both(names, now, before).items())
    st.html(html_tag("div", *drawn, class_="cs-tiles"))


def before_after_table(event: datetime, view: DashboardView) -> None:
    """Every metric of METRICS as long before an event as after it."""
    length = min(MAX_EVENT_WINDOW, max(view.end - event, timedelta(minutes=10)))
    before, after = absolute_view(event - length, event, view.where), absolute_view(event, event + length, view.where)
    rows = [_around(name, *both) for name, both in _both(COMPARED_METRICS, after, before).items()]
    label = f"{format_duration(length)} before and after"
    st.html(html_table(("metric", "before", "after", "change", "n"), rows, label))


def _both(
    names: Iterable[str], now: DashboardView, before: DashboardView
) -> dict[str, tuple[comparison.MetricValue, comparison.MetricValue]]:
    """Each metric in the one view and in the other."""
    after, earlier = (collector_queries.query_metrics(names, within=view) for view in (now, before))
    return {name: (comparison.metric_value(after[name]), comparison.metric_value(earlier[name])) for name in after}


def _tile(now: comparison.MetricValue, before: comparison.MetricValue, name: str, against: str) -> str:
    metric = collector_queries.fetch_catalog()[name]
    change = comparison.change_text(metric, now, before)
    verdict = comparison.change_verdict(metric, now, before) or "same"
    said = f"vs {against}" if change else "too few to compare"
    was = html_tag("small", html_text(f"was {format_value(before.value, metric.unit)}"))
    value = f"{html_text(format_value(now.value, metric.unit))}{was}"
    return html_tag(
        "dl",
        html_tag("dt", html_text(COMPARED_METRICS.get(name, metric.title)), title=metric.help),
        html_tag("dd", value, class_="value"),
        html_tag("dd", html_text(f"n {format_count(now.n)}, {format_count(before.n)} before"), class_="facts"),
        html_tag("dd", f"{html_tag('b', html_text(change), class_=verdict)} {html_text(said)}", class_="facts"),
        class_="cs-tile",
    )


def _around(name: str, after: comparison.MetricValue, before: comparison.MetricValue) -> str:
    metric = collector_queries.fetch_catalog()[name]
    verdict = comparison.change_verdict(metric, after, before)
    cells = (
        html_text(COMPARED_METRICS[name]),
        html_text(format_value(before.value, metric.unit)),
        html_text(format_value(after.value, metric.unit)),
        html_tag("b", html_text(comparison.change_text(metric, after, before)), class_=verdict or "same"),
        html_text(f"{format_count(before.n)} / {format_count(after.n)}"),
    )
    return html_tag("tr", *(html_tag("td", cell) for cell in cells))
