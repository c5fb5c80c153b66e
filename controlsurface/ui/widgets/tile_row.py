"""Tiles: a value, what it rests on, how it compares with last week, and its course as a sparkline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.formatting import format_count, format_interval, format_value
from controlsurface.metrics.metric import Metric
from controlsurface.ui.data import collector_queries, comparison
from controlsurface.ui.data.comparison import MetricValue
from controlsurface.ui.elements.html_tags import html_tag, html_text, palette
from controlsurface.ui.view import MIN_SHARE_ROWS, DashboardView

BUCKETS_PER_SPARKLINE_POINT = 4  # buckets of a chart in one of a sparkline


@dataclass(frozen=True, slots=True)
class Tile:
    """What a tile is about; `value` (HTML) where something else than the metric itself is said in large."""

    name: str
    label: str
    value: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TileCourse:
    """A metric in a window and in the one a week before; `values` are those of the sparkline."""

    metric: Metric
    now: MetricValue
    before: MetricValue
    values: Sequence[float | None]


def metric_tiles(row: Sequence[Tile], view: DashboardView) -> None:
    """Tiles over `view` beside each other, as many in a line as fit."""
    courses = _tile_courses([tile.name for tile in row], view)
    st.html(html_tag("div", *map(_tile_html, row, courses), class_="cs-tiles"))


def _tile_courses(names: Sequence[str], view: DashboardView) -> list[TileCourse]:
    """The metrics in this view, all asked together; a sum whose week before is not whole has none."""
    known, step = collector_queries.fetch_catalog(), view.step * BUCKETS_PER_SPARKLINE_POINT
    now, before = (collector_queries.query_metrics(names, within=within) for within in (view, view.week_before))
    over_time = collector_queries.query_metrics(names, every=step, within=view)
    sums = [name for name in names if known[name].kind == "sum"]
    earlier = collector_queries.query_metrics(sums, every=step, within=view.week_before) if sums else {}
    partly = {name for name, rows in earlier.items() if not _covers(rows, view.week_before)}
    return [
        TileCourse(
            known[name],
            comparison.metric_value(now[name]),
            MetricValue() if name in partly else comparison.metric_value(before[name]),
            over_time[name].filter(pl.col("bucket") + step <= view.end)["value"].to_list(),
        )
        for name in names
    ]


def _covers(rows: pl.DataFrame, view: DashboardView) -> bool:
    """Whether a sum over `view` has rows from its first fifth on; where recording began later, it is no full sum."""
    first = rows["bucket"].min()
    return isinstance(first, datetime) and first < view.start + (view.end - view.start) / 5


def priced_note() -> str:
    """Which share of the calls in view a cost rests on."""
    share = comparison.metric_value(collector_queries.query_metric("priced_share")).value
    return f"{format_value(share, 'ratio')} of calls priced"


def fastest_and_slowest_lane(rows: pl.DataFrame) -> str:
    """The fastest and the slowest lane of models by latency, as HTML; nothing with fewer than two lanes."""
    known = rows.filter(~pl.col("lane").is_in(["cache", "unknown"]) & pl.col("n").ge(MIN_SHARE_ROWS)).sort("value")
    if known.height < 2:
        return ""
    ends = [known.row(0, named=True), known.row(-1, named=True)]
    said = (f"{html_text(format_value(each['value'], 'ms'))}{_dot(each['lane'])}" for each in ends)
    return html_tag("span", " ".join(said), class_="pair")


def _value(metric: Metric, now: MetricValue) -> str:
    """A figure as HTML; one of few rows is not shown, for it says more about chance than about the router."""
    if comparison.is_too_few(metric, now.n):
        return f"too few {html_tag('small', html_text(f'{now.n} of {MIN_SHARE_ROWS} needed'))}"
    return html_text(format_value(now.value, metric.unit))


def _dot(lane: str) -> str:
    """A lane's name behind a dot in its colour."""
    return html_tag("small", html_tag("i", class_="dot", style=f"background:{palette().lane(lane)}"), html_text(lane))


def _tile_html(tile: Tile, course: TileCourse) -> str:
    picture = charts.svg_sparkline(course.values, palette().accent)
    rests_on = _basis_text(tile, course)
    return html_tag(
        "dl",
        html_tag("dt", html_text(tile.label), title=course.metric.help),
        html_tag("dd", tile.value or _value(course.metric, course.now), class_="value"),
        html_tag("dd", html_text(rests_on), class_="facts", title=rests_on),
        html_tag("dd", _change(course), class_="facts"),
        html_tag("dd", f'<img src="{picture}" alt="{html_text(tile.label)} over time">' if picture else ""),
        class_="cs-tile",
    )


def _basis_text(tile: Tile, course: TileCourse) -> str:
    """The number of rows, the interval where there is one, and the note."""
    now, unit = course.now, course.metric.unit
    sure = format_interval(now.low, now.high, unit) if now.half is not None else ""
    return " · ".join(part for part in (f"n {format_count(now.n)}", sure, tile.note) if part)


def _change(course: TileCourse) -> str:
    said = comparison.change_text(course.metric, course.now, course.before)
    if not said:
        known = course.before.value is not None
        return html_text("too few to compare with last week" if known else "no full week before")
    verdict = comparison.change_verdict(course.metric, course.now, course.before)
    return f"{html_tag('b', html_text(said), class_=verdict or 'same')} vs last week"
