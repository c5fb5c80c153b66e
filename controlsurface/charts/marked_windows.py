"""One metric over time with two windows marked in it: a selection in orange, its baseline in grey."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from controlsurface.charts.figure import ChartFigure, EventMark, PlotlyTrace
from controlsurface.charts.palette import Palette
from controlsurface.charts.time_series import TimeSpan, colour_with_alpha, lines

Window = tuple[datetime, datetime]


def marked_windows(
    rows: pl.DataFrame,
    span: TimeSpan,
    palette: Palette,
    *,
    unit: str,
    selection: Window | None,
    baseline: Window,
    events: Sequence[EventMark] = (),
    height: int = 220,
) -> ChartFigure:
    """Rows (bucket, value, n) as a line; a box drawn in the figure reaches from its foot to its head."""
    named = rows.with_columns(pl.lit("").alias("course"))
    figure = lines(named, span, palette, by="course", unit=unit, highlight="", events=events, height=height)
    windows = ((baseline, palette.rest), *([(selection, palette.changed)] if selection else []))
    marks = [_window_shape(window, colour, span) for window, colour in windows]
    return figure.having(shapes=[*figure.layout["shapes"], *filter(None, marks)])


def _window_shape(window: Window, colour: str, span: TimeSpan) -> PlotlyTrace | None:
    """A window as a shade over the height of the chart; None where all of it lies outside."""
    start, end = max(window[0], span.start), min(window[1], span.end)
    if start >= end:
        return None
    edges = {"x0": _millis(start), "x1": _millis(end), "y0": 0, "y1": 1}
    look = {"fillcolor": colour_with_alpha(colour, 0.16), "line": {"width": 0}, "layer": "below"}
    return {"type": "rect", "xref": "x", "yref": "paper", **edges, **look}


def _millis(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)
