"""Values over time: lines with gaps where nothing is known, and areas stacked on each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from controlsurface.charts.figure import Event, Trace, figure, hover, scale, shown, value_axis
from controlsurface.charts.palette import Palette

FEW = 30  # rows: a running bucket of fewer is left out of a line, for it jumps
MONDAY = datetime(2000, 1, 3, tzinfo=UTC)  # where the store counts buckets from
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """The time axis of a chart: UTC, in buckets of `step` as the store aligns them."""

    start: datetime
    end: datetime
    step: timedelta

    @property
    def times(self) -> npt.NDArray[np.int64]:
        """Epoch milliseconds of every bucket's start."""
        first = self.start - (self.start - MONDAY) % self.step
        return np.arange(_millis(first), _millis(self.end), self.step // timedelta(milliseconds=1), dtype=np.int64)

    @property
    def complete(self) -> int:
        """The number of buckets that lie wholly before the end."""
        return len(self.times) - bool((self.end - MONDAY) % self.step)

    def place(self, buckets: pl.Series, values: pl.Series, missing: float = np.nan) -> Values:
        """`values` on the whole axis, `missing` where no bucket holds one."""
        times = self.times
        out = np.full(len(times), missing, dtype=np.float32)
        at = np.searchsorted(times, buckets.cast(pl.Datetime("ms")).to_physical().to_numpy())
        inside = at < len(out)
        out[at[inside]] = values.cast(pl.Float32).fill_null(missing).to_numpy()[inside]
        return out


def lines(
    rows: pl.DataFrame,
    span: Span,
    palette: Palette,
    *,
    by: str | None = None,
    unit: str = "count",
    highlight: object = ...,
    changed: bool = False,
    target: float | None = None,
    events: Sequence[Event] = (),
    height: int = 220,
) -> go.Figure:
    """A line for each value of `by` (bucket, by, value, n); with `highlight` one is in colour and the rest grey."""
    colours = _colours(rows, by, palette, highlight, changed)
    data = [_line(name, part, span, palette, unit, colours[name]) for name, part in parts(rows, by, last=highlight)]
    marks, words = markers(events, palette)
    if target is not None:
        marks = [*marks, _level(target * scale(unit), palette)]
    return figure(
        data, palette, height=height, xaxis=time_axis(span), yaxis=value_axis(unit), shapes=marks, annotations=words
    )


def stacked(
    rows: pl.DataFrame,
    span: Span,
    palette: Palette,
    *,
    by: str,
    unit: str = "usd",
    events: Sequence[Event] = (),
    height: int = 220,
) -> go.Figure:
    """Sums (bucket, by, value) as areas on each other, in complete buckets: a running one would look like a fall.

    A missing bucket is a zero, for a sum it is one.
    """
    data = [_area(name, part, span, palette, unit) for name, part in parts(rows, by)]
    marks, words = markers(events, palette)
    return figure(
        data, palette, height=height, xaxis=time_axis(span), yaxis=value_axis(unit), shapes=marks, annotations=words
    )


def quantiles(
    upper: pl.DataFrame,
    lower: pl.DataFrame,
    span: Span,
    palette: Palette,
    *,
    by: str = "lane",
    names: tuple[str, str] = ("P95", "P50"),
    events: Sequence[Event] = (),
    height: int = 220,
) -> go.Figure:
    """Two quantiles of a latency in ms for each value of `by`: the upper a line, the lower dotted in its colour."""
    colours = _colours(pl.concat([upper, lower]), by, palette, ..., changed=False)
    data = []
    for rows, name, dash in ((upper, names[0], "solid"), (lower, names[1], "dot")):
        for value, part in parts(rows, by):
            line = _line(f"{shown(value)} {name}", part, span, palette, "ms", colours[value])
            data.append({**line, "line": {**line["line"], "dash": dash}, "showlegend": dash == "solid"})
    marks, words = markers(events, palette)
    return figure(
        data, palette, height=height, xaxis=time_axis(span), yaxis=value_axis("ms"), shapes=marks, annotations=words
    )


def parts(rows: pl.DataFrame, by: str | None, last: object = ...) -> list[tuple[object, pl.DataFrame]]:
    """Rows split by a dimension, in its order of first appearance; `last` is drawn on top."""
    if by is None:
        return [(None, rows)]
    split = [(key[0], part) for key, part in rows.group_by([by], maintain_order=True)]
    return sorted(split, key=lambda pair: pair[0] == last)


def time_axis(span: Span) -> Trace:
    """The whole window, whether or not something happened in all of it."""
    length = span.end - span.start
    form = "%H:%M" if length <= timedelta(hours=25) else "%a %H:%M" if length <= timedelta(hours=73) else "%b %-d"
    return {
        "type": "date",
        "range": [_millis(span.start), _millis(span.end)],
        "tickformat": form,
        "hoverformat": "%b %-d %H:%M UTC",
    }


def markers(events: Sequence[Event], palette: Palette, foot: float = 1) -> tuple[list[Trace], list[Trace]]:
    """A dashed line for each event, and its label at the head of the chart (1) or at its `foot` (0)."""
    shapes = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": _millis(each.at),
            "x1": _millis(each.at),
            "y0": 0,
            "y1": 1,
            "line": {"color": palette.accent, "width": 1, "dash": "dash"},
        }
        for each in events
    ]
    words = [
        {
            "x": _millis(each.at),
            "y": foot,
            "xref": "x",
            "yref": "paper",
            "xanchor": "left",
            "yanchor": "top" if foot else "bottom",
            "showarrow": False,
            "text": shown(each.label),
            "font": {"color": palette.accent, "size": 11},
        }
        for each in events
    ]
    return shapes, words


def _line(name: object, part: pl.DataFrame, span: Span, palette: Palette, unit: str, colour: str) -> Trace:
    values, counts = span.place(part["bucket"], part["value"] * scale(unit)), span.place(part["bucket"], part["n"], 0)
    if span.complete < len(counts) and counts[-1] < FEW:
        values[-1] = np.nan
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": shown(name),
        "x": span.times,
        "y": values,
        "customdata": counts,
        "line": {"color": colour, "width": 1 if colour == palette.rest else 1.6},
        "marker": {"size": alone(values), "color": colour},
        "hovertemplate": hover(unit) + "  n %{customdata:,.0f}",
    }


def _area(name: object, part: pl.DataFrame, span: Span, palette: Palette, unit: str) -> Trace:
    colour = palette.lane(str(name) if name is not None else None)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": shown(name),
        "x": span.times[: span.complete],
        "y": span.place(part["bucket"], part["value"] * scale(unit), 0)[: span.complete],
        "stackgroup": "one",
        "line": {"color": colour, "width": 1},
        "fillcolor": faded(colour, 0.55),
        "hovertemplate": hover(unit),
    }


def alone(values: Values) -> npt.NDArray[np.int8]:
    """Marker sizes: a dot where a value has no neighbour, for a line needs two points to be seen."""
    known = np.pad(~np.isnan(values), 1)
    return np.where(known[1:-1] & ~known[:-2] & ~known[2:], 4, 0).astype(np.int8)


def faded(colour: str, alpha: float) -> str:
    """`#RRGGBB` as CSS rgba with `alpha`."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _colours(rows: pl.DataFrame, by: str | None, palette: Palette, highlight: object, changed: bool) -> dict[Any, str]:
    if by is None:
        return {None: palette.accent}
    names = rows[by].unique(maintain_order=True).to_list()
    if highlight is ...:
        return {name: palette.lane(name) for name in names}
    return dict.fromkeys(names, palette.rest) | {highlight: palette.changed if changed else palette.accent}


def _level(y: float, palette: Palette) -> Trace:
    """The dotted line of a target."""
    line = {"color": palette.quiet, "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line}


def _millis(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)
