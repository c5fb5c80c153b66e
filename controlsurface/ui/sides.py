"""Two windows beside each other: tiles, a table of metrics around an event, and sample requests of both."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import polars as pl
import streamlit as st

from controlsurface.formatting import format_confidence, format_count, format_duration, format_time, format_value
from controlsurface.reader.listing import RequestsArgs, RequestsQuery
from controlsurface.reader.rows import records
from controlsurface.ui import compared, reading
from controlsurface.ui.changes import known
from controlsurface.ui.markup import table, tag, text
from controlsurface.ui.window import View, fixed

METRICS = {
    "escalation_rate": "Escalation rate",
    "confidence_below_threshold": "Confidence under threshold",
    "cost_per_request": "Cost per request",
    "latency_mean": "Mean latency",
    "latency_p95": "P95 latency",
    "error_rate": "Not answered",
}
AROUND = timedelta(hours=6)  # at most, before and after an event
SAMPLES = 6


def tiles(now: View, before: View, against: str, names: Sequence[str]) -> None:
    """A tile for each metric: its value in the selection, that of the baseline, and the change."""
    drawn = (_tile(*both, name, against) for name, both in _both(names, now, before).items())
    st.html(tag("div", *drawn, class_="cs-tiles"))


def around(event: datetime, view: View) -> None:
    """Every metric of METRICS as long before an event as after it."""
    length = min(AROUND, max(view.end - event, timedelta(minutes=10)))
    before, after = fixed(event - length, event, view.where), fixed(event, event + length, view.where)
    rows = [_around(name, *both) for name, both in _both(METRICS, after, before).items()]
    label = f"{format_duration(length)} before and after"
    st.html(table(("metric", "before", "after", "change", "n"), rows, label))


def nearest(view: View, at: datetime) -> dict[str, Any] | None:
    """The event of a view that lies nearest to a moment."""
    found = known(view).with_columns(away=(pl.col("at") - at).abs()).sort("away")
    return found.row(0, named=True) if found.height else None


def samples(view: View, label: str, dimension: str | None, value: str | None) -> None:
    """Some requests of a window, of one value where one is named, each a link to its trace."""
    about = view.only(dimension, value) if dimension else view
    page = reading.ask(RequestsQuery(RequestsArgs(**about.asked, limit=SAMPLES)))
    rows = [_sample(row) for row in records(page.rows)]
    names = ("time (UTC)", "lane", "task type", "model", "confidence", "latency", "cost", "request")
    if rows:
        st.html(table(names, rows, label))
    else:
        st.caption("No such request in this window.")


def _both(names: Iterable[str], now: View, before: View) -> dict[str, tuple[compared.Figure, compared.Figure]]:
    """Each metric in the one view and in the other."""
    after, earlier = (reading.queries(names, within=view) for view in (now, before))
    return {name: (compared.figure(after[name]), compared.figure(earlier[name])) for name in after}


def _tile(now: compared.Figure, before: compared.Figure, name: str, against: str) -> str:
    metric = reading.catalogue()[name]
    change = compared.change(metric, now, before)
    verdict = compared.verdict(metric, now, before) or "same"
    said = f"vs {against}" if change else "nothing to compare with"
    was = tag("small", text(f"was {format_value(before.value, metric.unit)}"))
    value = f"{text(format_value(now.value, metric.unit))}{was}"
    return tag(
        "dl",
        tag("dt", text(METRICS.get(name, metric.title)), title=metric.help),
        tag("dd", value, class_="value"),
        tag("dd", text(f"n {format_count(now.n)}, {format_count(before.n)} before"), class_="facts"),
        tag("dd", f"{tag('b', text(change), class_=verdict)} {text(said)}", class_="facts"),
        class_="cs-tile",
    )


def _around(name: str, after: compared.Figure, before: compared.Figure) -> str:
    metric = reading.catalogue()[name]
    verdict = compared.verdict(metric, after, before)
    cells = (
        text(METRICS[name]),
        text(format_value(before.value, metric.unit)),
        text(format_value(after.value, metric.unit)),
        tag("b", text(compared.change(metric, after, before)), class_=verdict or "same"),
        text(f"{format_count(before.n)} / {format_count(after.n)}"),
    )
    return tag("tr", *(tag("td", cell) for cell in cells))


def _sample(row: dict[str, Any]) -> str:
    at = row["started_at"]
    name = str(row["request_id"])
    address = urlencode({"find": name, "request": name, "at": at.isoformat() if isinstance(at, datetime) else ""})
    certain = row["confidence"]
    cells = (
        text(format_time(at) if isinstance(at, datetime) else None),
        text(row["lane"]),
        text(row["task_type"]),
        text(row["answered_by"]),
        text(format_confidence(certain) if isinstance(certain, float) else None),
        text(format_value(row["duration_ms"], "ms")),
        text(format_value(row["cost_usd"], "usd")),
        tag("a", text(name[:24]), href=f"traces?{address}", class_="cs-link"),
    )
    return tag("tr", *(tag("td", cell) for cell in cells))
