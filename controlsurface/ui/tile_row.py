"""Tiles: a value, what it rests on, how it compares with last week, and its course as a sparkline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.metrics.metric import Metric
from controlsurface.ui import compared, reading, states, units
from controlsurface.ui.compared import Figure
from controlsurface.ui.markup import palette, tag, text
from controlsurface.ui.window import ENOUGH, View

COARSER = 4  # buckets of a chart in one of a sparkline


@dataclass(frozen=True, slots=True)
class Tile:
    """What one tile says; `value` is HTML, `course` the values of the sparkline."""

    label: str
    metric: Metric
    now: Figure
    before: Figure
    value: str
    course: Sequence[float | None]
    note: str = ""


def tile(name: str, label: str, view: View, *, value: str = "", note: str = "") -> Tile:
    """The tile of a metric over `view`; `value` (HTML) where something else than the metric itself is said in large."""
    metric = reading.catalogue()[name]
    now = compared.figure(reading.query(name, within=view))
    before = compared.figure(reading.query(name, within=view.week_before))
    if metric.kind == "sum" and not _covered(name, view.week_before):
        before = Figure()
    step = view.step * COARSER
    course = reading.query(name, every=step, within=view).filter(pl.col("bucket") + step <= view.end)
    return Tile(label, metric, now, before, value or _value(metric, now), course["value"].to_list(), note)


def _covered(name: str, view: View) -> bool:
    """Whether a sum over `view` has rows from its first fifth on; where recording began later, it is no full sum."""
    first = reading.query(name, every=view.step * COARSER, within=view)["bucket"].min()
    return isinstance(first, datetime) and first < view.start + (view.end - view.start) / 5


def lanes(rows: pl.DataFrame) -> str:
    """The fastest and the slowest lane of models by latency, as HTML; nothing with fewer than two lanes."""
    known = rows.filter(~pl.col("lane").is_in(["cache", "unknown"]) & pl.col("n").ge(ENOUGH)).sort("value")
    if known.height < 2:
        return ""
    ends = [known.row(0, named=True), known.row(-1, named=True)]
    said = (f"{text(units.shown(each['value'], 'ms'))}{_dot(each['lane'])}" for each in ends)
    return tag("span", " ".join(said), class_="pair")


def tiles(row: Sequence[Tile]) -> None:
    """Tiles beside each other, as many in a line as fit."""
    st.html(tag("div", *(_drawn(each) for each in row), class_="cs-tiles"))


def _value(metric: Metric, now: Figure) -> str:
    """A figure as HTML; a share of few rows is not shown, for it says more about chance than about the router."""
    if metric.kind == "ratio" and states.few(now.n):
        return f"too few {tag('small', text(f'{now.n} of {ENOUGH} needed'))}"
    return text(units.shown(now.value, metric.unit))


def _dot(lane: str) -> str:
    """A lane's name behind a dot in its colour."""
    return tag("small", tag("i", class_="dot", style=f"background:{palette().lane(lane)}"), text(lane))


def _drawn(tile: Tile) -> str:
    picture = charts.spark(tile.course, palette().accent)
    return tag(
        "dl",
        tag("dt", text(tile.label), title=tile.metric.help),
        tag("dd", tile.value, class_="value"),
        tag("dd", text(_rests_on(tile)), class_="facts", title=_rests_on(tile)),
        tag("dd", _change(tile), class_="facts"),
        tag("dd", f'<img src="{picture}" alt="{text(tile.label)} over time">' if picture else ""),
        class_="cs-tile",
    )


def _rests_on(tile: Tile) -> str:
    """The number of rows, the interval where there is one, and the note."""
    now, unit = tile.now, tile.metric.unit
    sure = f"{units.shown(now.low, unit)} to {units.shown(now.high, unit)}" if now.half is not None else ""
    return " · ".join(part for part in (f"n {units.count(now.n)}", sure, tile.note) if part)


def _change(tile: Tile) -> str:
    said = compared.change(tile.metric, tile.now, tile.before)
    if not said:
        return text("no whole week before to compare with")
    return f"{tag('b', text(said), class_=compared.verdict(tile.metric, tile.now, tile.before) or 'same')} vs last week"
