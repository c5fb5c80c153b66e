"""A time axis in another zone than UTC: plotly knows none, so what lies on the axis is moved by the zone's offset."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np

from controlsurface.charts.figure import ChartFigure, PlotlyTrace

EDGES = ("x", "x0", "x1")  # of shapes, annotations and traces


def shift_time_axis(figure: ChartFigure, offset: timedelta, label: str) -> ChartFigure:
    """The figure with all that lies on its time axis `offset` later, hover texts in `label`; others as they are."""
    axis = figure.layout.get("xaxis", {})
    if axis.get("type") != "date" or not offset:
        return figure
    ms = offset // timedelta(milliseconds=1)
    moved = axis | {
        "range": [_later(each, ms) for each in axis["range"]],
        "hoverformat": str(axis.get("hoverformat", "")).replace("UTC", label),
    }
    parts = {name: _on_axis(figure.layout[name], ms) for name in ("shapes", "annotations") if figure.layout.get(name)}
    data = tuple(_moved(trace, ms) for trace in figure.data)
    return ChartFigure(data, {**figure.layout, "xaxis": moved, **parts})


def _on_axis(parts: Iterable[PlotlyTrace], ms: int) -> list[PlotlyTrace]:
    """Shapes or annotations; those that are placed by the paper stay."""
    return [_moved(each, ms) if each.get("xref", "x") == "x" else each for each in parts]


def _moved(part: PlotlyTrace, ms: int) -> PlotlyTrace:
    return part | {name: _later(part[name], ms) for name in EDGES if part.get(name) is not None}


def _later(value: Any, ms: int) -> Any:
    """Epoch milliseconds, one or many."""
    if isinstance(value, np.ndarray):
        return value + ms
    return [each if each is None else each + ms for each in value] if isinstance(value, list | tuple) else value + ms
