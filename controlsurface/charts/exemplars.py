"""Exemplars: dots on a time chart that each stand for one request, and lead to its trace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

import polars as pl

from controlsurface.charts.figure import ChartFigure, unit_scale
from controlsurface.charts.palette import Palette

MAX_EXEMPLARS = 12  # dots on one chart


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One request: when it began, the address of its trace, and what the pointer says of it.

    plotly quotes an address once more, so one in which a reserved character is quoted would lead elsewhere.
    """

    at: datetime
    address: str
    label: str


def with_exemplars(
    figure: ChartFigure, rows: pl.DataFrame, exemplars: Sequence[Exemplar], palette: Palette, unit: str
) -> ChartFigure:
    """The figure with a dot on the line of `rows` (bucket, value) for each exemplar, at its time; a dot is a link."""
    known = rows.drop_nulls("value").sort("bucket")
    if known.is_empty():
        return figure
    start, end = figure.layout["xaxis"]["range"]
    inside = [each for each in exemplars if start <= each.at.timestamp() * 1000 <= end]
    dots = [_dot(each, known, palette, unit) for each in inside[:MAX_EXEMPLARS]]
    return figure.having(annotations=[*figure.layout.get("annotations", ()), *dots])


def _dot(exemplar: Exemplar, known: pl.DataFrame, palette: Palette, unit: str) -> dict[str, object]:
    """An annotation: it lies above the layer that takes drags, so that it can be clicked where boxes are drawn."""
    earlier = known.filter(pl.col("bucket") <= exemplar.at)
    value = float((earlier if earlier.height else known.head(1))["value"][-1])
    address = escape(exemplar.address, quote=True)
    return {
        "x": int(exemplar.at.timestamp() * 1000),
        "y": value * unit_scale(unit),
        "showarrow": False,
        "text": f'<a href="{address}" target="_self" style="color:{palette.changed}">●</a>',
        "hovertext": escape(exemplar.label),
        "font": {"color": palette.changed, "size": 13},
    }
