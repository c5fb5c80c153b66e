"""Tiles: a value, what it rests on, how it compares with last week, and its course as a sparkline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.formatting import format_count, format_interval, format_value
from controlsurface.metrics.metric import Metric
from controlsurface.ui import compared, reading, states
from controlsurface.ui.compared import Figure
from controlsurface.ui.markup import palette, tag, text
from controlsurface.ui.window import ENOUGH, View

COARSER = 4  # buckets of a chart in one of a sparkline


@dataclass(frozen=True, slots=True)
class Tile:
    """What a tile is about; `value` (HTML) where something else than the metric itself is said in large."""

    name: str
    label: str
    value: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """A metric in a window and in the one a week before; `values` are those of the sparkline."""

    metric: Metric
    now: Figure
    before: Figure
    values: Sequence[float | None]


def tiles(row: Sequence[Tile], view: View) -> None:
    """Tiles over `view` beside each other, as many in a line as fit."""
    courses = _courses([tile.name for tile in row], view)
    st.html(tag("div", *map(_drawn, row, courses), class_="cs-tiles"))


def _courses(names: Sequence[str], view: View) -> list[Course]:
    """The metrics in this view, all asked together; a sum whose week before is not whole has none."""
    known, step = reading.catalogue(), view.step * COARSER
    now, before = (reading.queries(names, within=within) for within in (view, view.week_before))
    over_time = reading.queries(names, every=step, within=view)
    sums = [name for name in names if known[name].kind == "sum"]
    earlier = reading.queries(sums, every=step, within=view.week_before) if sums else {}
    partly = {name for name, rows in earlier.items() if not _covers(rows, view.week_before)}
    return [
        Course(
            known[name],
            compared.figure(now[name]),
            Figure() if name in partly else compared.figure(before[name]),
            over_time[name].filter(pl.col("bucket") + step <= view.end)["value"].to_list(),
        )
        for name in names
    ]


def _covers(rows: pl.DataFrame, view: View) -> bool:
    """Whether a sum over `view` has rows from its first fifth on; where recording began later, it is no full sum."""
    first = rows["bucket"].min()
    return isinstance(first, datetime) and first < view.start + (view.end - view.start) / 5


def lanes(rows: pl.DataFrame) -> str:
    """The fastest and the slowest lane of models by latency, as HTML; nothing with fewer than two lanes."""
    known = rows.filter(~pl.col("lane").is_in(["cache", "unknown"]) & pl.col("n").ge(ENOUGH)).sort("value")
    if known.height < 2:
        return ""
    ends = [known.row(0, named=True), known.row(-1, named=True)]
    said = (f"{text(format_value(each['value'], 'ms'))}{_dot(each['lane'])}" for each in ends)
    return tag("span", " ".join(said), class_="pair")


def _value(metric: Metric, now: Figure) -> str:
    """A figure as HTML; a share of few rows is not shown, for it says more about chance than about the router."""
    if metric.kind == "ratio" and states.few(now.n):
        return f"too few {tag('small', text(f'{now.n} of {ENOUGH} needed'))}"
    return text(format_value(now.value, metric.unit))


def _dot(lane: str) -> str:
    """A lane's name behind a dot in its colour."""
    return tag("small", tag("i", class_="dot", style=f"background:{palette().lane(lane)}"), text(lane))


def _drawn(tile: Tile, course: Course) -> str:
    picture = charts.spark(course.values, palette().accent)
    rests_on = _rests_on(tile, course)
    return tag(
        "dl",
        tag("dt", text(tile.label), title=course.metric.help),
        tag("dd", tile.value or _value(course.metric, course.now), class_="value"),
        tag("dd", text(rests_on), class_="facts", title=rests_on),
        tag("dd", _change(course), class_="facts"),
        tag("dd", f'<img src="{picture}" alt="{text(tile.label)} over time">' if picture else ""),
        class_="cs-tile",
    )


def _rests_on(tile: Tile, course: Course) -> str:
    """The number of rows, the interval where there is one, and the note."""
    now, unit = course.now, course.metric.unit
    sure = format_interval(now.low, now.high, unit) if now.half is not None else ""
    return " · ".join(part for part in (f"n {format_count(now.n)}", sure, tile.note) if part)


def _change(course: Course) -> str:
    said = compared.change(course.metric, course.now, course.before)
    if not said:
        return text("no whole week before to compare with")
    verdict = compared.verdict(course.metric, course.now, course.before)
    return f"{tag('b', text(said), class_=verdict or 'same')} vs last week"
