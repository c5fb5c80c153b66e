"""Two populations or windows side by side: versions, tiles and metrics around an event, sample requests of both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.formatting import (
    UNKNOWN,
    format_confidence,
    format_count,
    format_duration,
    format_interval,
    format_time,
    format_value,
)
from controlsurface.metrics.metric import Metric
from controlsurface.ui.data import collector_queries, comparison
from controlsurface.ui.data.comparison import MetricValue
from controlsurface.ui.data.metric_series import list_change_events
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text
from controlsurface.ui.elements.page_links import page_link
from controlsurface.ui.view import MIN_SHARE_ROWS, DashboardView, absolute_view
from controlsurface.ui.widgets.data_table import csv_button

BY_ROUTER_VERSION, WITH_WEEK_BEFORE, WITH_TIME_BEFORE = "router versions", "a week before", "the time before"
Population = tuple[str, DashboardView]


@dataclass(frozen=True, slots=True)
class MetricPair:
    """One metric of both sides."""

    metric: Metric
    one: MetricValue
    other: MetricValue


def choose_populations(view: DashboardView) -> tuple[Population, Population] | None:
    """Draw the choice of what to compare; the two sides with their names, or None where there are not two."""
    plain = replace(view, where=tuple(each for each in view.where if not each.startswith("router_version:")))
    names = _versions(plain)
    usual = BY_ROUTER_VERSION if len(names) > 1 else WITH_WEEK_BEFORE
    way = st.segmented_control(
        "Compare",
        [BY_ROUTER_VERSION, WITH_WEEK_BEFORE, WITH_TIME_BEFORE],
        default=usual,
        required=True,
        key="way",
        bind="query-params",
    )
    if way == WITH_WEEK_BEFORE:
        return (WITH_WEEK_BEFORE, view.week_before), ("this window", view)
    if way == WITH_TIME_BEFORE:
        return (WITH_TIME_BEFORE, replace(view, start=view.start - (view.end - view.start), end=view.start)), (
            "this window",
            view,
        )
    return _choose_versions(names, plain) if len(names) > 1 else None


def _versions(view: DashboardView) -> list[str]:
    """Router versions, in the order in which they came up."""
    rows = collector_queries.query_metric("requests", by=["router_version"], every=view.step, within=view).drop_nulls(
        "router_version"
    )
    return (
        rows.group_by("router_version")
        .agg(pl.col("bucket").min())
        .sort("bucket", "router_version")["router_version"]
        .to_list()
    )


def _choose_versions(names: list[str], view: DashboardView) -> tuple[Population, Population]:
    """The two versions that came last, unless others are chosen."""
    left, right = st.columns(2)
    one = left.selectbox("Version", names, index=len(names) - 2, key="one", bind="query-params")
    other = right.selectbox("against", names, index=len(names) - 1, key="other", bind="query-params")
    first, second = one or names[-2], other or names[-1]
    return (first, view.only("router_version", first)), (second, view.only("router_version", second))


def population_table(metrics: Sequence[str], one: Population, other: Population, name: str) -> None:
    """Metrics of both sides with what they rest on, and what moved by more than chance; under it the CSV."""
    first, second = (collector_queries.query_metrics(metrics, within=within) for _, within in (one, other))
    known = collector_queries.fetch_catalog()
    found = [
        MetricPair(known[each], comparison.metric_value(first[each]), comparison.metric_value(second[each]))
        for each in metrics
    ]
    st.html(html_table(("metric", one[0], other[0], "change"), map(_line, found), name))
    csv_button(pl.DataFrame([_row(each) for each in found]), name)


def _line(pair: MetricPair) -> str:
    """One metric as a row of the table."""
    metric, one, other = pair.metric, pair.one, pair.other
    change = comparison.change_text(metric, other, one) or UNKNOWN
    verdict = "" if metric.kind == "sum" else comparison.change_verdict(metric, other, one)  # more traffic is no fault
    return html_tag(
        "tr",
        html_tag("td", html_text(metric.title), title=metric.help),
        *(html_tag("td", _cell(figure, metric)) for figure in (one, other)),
        html_tag("td", html_tag("b", html_text(change), class_=verdict or "same")),
    )


def _cell(figure: MetricValue, metric: Metric) -> str:
    """The value, its n, and its interval where it has one."""
    unit = metric.unit
    if comparison.is_too_few(metric, figure.n):
        return f"too few {html_tag('small', html_text(f'{figure.n} of {MIN_SHARE_ROWS} needed'))}"
    sure = f" · {format_interval(figure.low, figure.high, unit)}" if figure.half is not None else ""
    small = html_tag("small", html_text(f"n {format_count(figure.n)}{sure}"))
    return f"{html_text(format_value(figure.value, unit))} {small}"


def _row(pair: MetricPair) -> dict[str, object]:
    """The same for the CSV."""
    said: dict[str, object] = {"metric": pair.metric.id, "unit": pair.metric.unit}
    for name, figure in (("one", pair.one), ("other", pair.other)):
        said |= {name: figure.value, f"{name}_n": figure.n, f"{name}_low": figure.low, f"{name}_high": figure.high}
    return said


COMPARED_METRICS = {
    "escalation_rate": "Escalation rate",
    "confidence_below_threshold": "Below threshold",
    "cost_per_request": "Cost per request",
    "latency_mean": "Mean latency",
    "latency_p95": "P95 latency",
    "error_rate": "Error rate",
}
MAX_EVENT_WINDOW = timedelta(hours=6)  # at most, before and after an event
MAX_SAMPLES = 6


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


def nearest_event(view: DashboardView, at: datetime) -> dict[str, Any] | None:
    """The event of a view that lies nearest to a moment."""
    found = list_change_events(view).with_columns(away=(pl.col("at") - at).abs()).sort("away")
    return found.row(0, named=True) if found.height else None


def sample_requests(view: DashboardView, label: str, dimension: str | None, value: str | None) -> None:
    """Some requests of a window, of one value where one is named, each a link to its trace."""
    about = view.only(dimension, value) if dimension else view
    page = collector_queries.fetch_cached(RequestsQuery(RequestsArgs(**about.asked, limit=MAX_SAMPLES)))
    rows = [_sample(row) for row in as_dicts(page.rows)]
    names = ("time (UTC)", "lane", "task type", "model", "confidence", "latency", "cost", "request")
    if rows:
        st.html(html_table(names, rows, label))
    else:
        st.caption("No such request in this window.")


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


def _sample(row: dict[str, Any]) -> str:
    at = row["started_at"]
    name = str(row["request_id"])
    about = {"find": name, "request": name, "at": at.isoformat() if isinstance(at, datetime) else ""}
    certain = row["confidence"]
    cells = (
        html_text(format_time(at) if isinstance(at, datetime) else None),
        html_text(row["lane"]),
        html_text(row["task_type"]),
        html_text(row["answered_by"]),
        html_text(format_confidence(certain) if isinstance(certain, float) else None),
        html_text(format_value(row["duration_ms"], "ms")),
        html_text(format_value(row["cost_usd"], "usd")),
        page_link(name[:24], "traces", about),
    )
    return html_tag("tr", *(html_tag("td", cell) for cell in cells))
