"""Two windows beside each other: tiles, a table of metrics around an event, and sample requests of both."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import polars as pl
import streamlit as st

from controlsurface.client.arrow_rows import as_dicts
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.formatting import format_confidence, format_count, format_duration, format_time, format_value
from controlsurface.ui.data import collector_queries, comparison
from controlsurface.ui.data.change_events import list_change_events
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text
from controlsurface.ui.view.time_range import DashboardView, absolute_view

COMPARED_METRICS = {
    "escalation_rate": "Escalation rate",
    "confidence_below_threshold": "Confidence under threshold",
    "cost_per_request": "Cost per request",
    "latency_mean": "Mean latency",
    "latency_p95": "P95 latency",
    "error_rate": "Not answered",
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
    said = f"vs {against}" if change else "nothing to compare with"
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
    address = urlencode({"find": name, "request": name, "at": at.isoformat() if isinstance(at, datetime) else ""})
    certain = row["confidence"]
    cells = (
        html_text(format_time(at) if isinstance(at, datetime) else None),
        html_text(row["lane"]),
        html_text(row["task_type"]),
        html_text(row["answered_by"]),
        html_text(format_confidence(certain) if isinstance(certain, float) else None),
        html_text(format_value(row["duration_ms"], "ms")),
        html_text(format_value(row["cost_usd"], "usd")),
        html_tag("a", html_text(name[:24]), href=f"traces?{address}", class_="cs-link"),
    )
    return html_tag("tr", *(html_tag("td", cell) for cell in cells))
