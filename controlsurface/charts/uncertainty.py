"""What is known and how well: shares with their intervals, a reliability curve, a threshold's consequences."""

from collections.abc import Sequence

import polars as pl

from controlsurface.charts.figure import ChartFigure, PlotlyTrace, build_figure, plotly_text
from controlsurface.charts.palette import Palette
from controlsurface.charts.time_series import colour_with_alpha

SLICE_HEIGHT_PX = 26  # pixels of a slice
UNIT_INTERVAL_AXIS: PlotlyTrace = {"range": [0, 1], "tickformat": ".1f", "fixedrange": True}


def interval_whiskers(rows: pl.DataFrame, palette: Palette, *, by: str) -> ChartFigure:
    """A point and its interval for each slice (by, value, low, high, n), the first on top; grey without interval."""
    known = rows.drop_nulls("value")
    colours = [palette.rest if low is None else palette.accent for low in known["low"]]
    points: PlotlyTrace = {
        "type": "scatter",
        "mode": "markers",
        "x": known["value"].to_list(),
        "y": [plotly_text(name) for name in known[by]],
        "customdata": known.select("n", "low", "high").rows(),
        "marker": {"size": 9, "color": colours},
        "error_x": _errors(known, "value", palette.quiet),
        "hovertemplate": "%{x:.1%}, %{customdata[1]:.1%} to %{customdata[2]:.1%}, n %{customdata[0]:,}<extra></extra>",
        "showlegend": False,
    }
    return build_figure(
        [points],
        palette,
        height=SLICE_HEIGHT_PX * max(known.height, 2) + 44,
        xaxis={"tickformat": ".0%", "rangemode": "tozero", "showgrid": True, "gridcolor": palette.grid},
        yaxis={"autorange": "reversed", "showgrid": False, "automargin": True},
        hovermode="closest",
    )


def reliability_curve(bins: pl.DataFrame, palette: Palette, *, height: int = 320) -> ChartFigure:
    """How often answers are right (correct, low, high, n) at each confidence; dotted: where both would be the same."""
    known = bins.drop_nulls(["confidence", "correct"])
    ideal: PlotlyTrace = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "hoverinfo": "skip",
        "showlegend": False,
        "line": {"color": palette.quiet, "width": 1, "dash": "dot"},
    }
    points: PlotlyTrace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": known["confidence"].to_list(),
        "y": known["correct"].to_list(),
        "customdata": known.select("n", "low", "high").rows(),
        "line": {"color": palette.accent, "width": 1.4},
        "marker": {"size": 8},
        "error_y": _errors(known, "correct", palette.quiet),
        "hovertemplate": "confidence %{x:.2f}: right in %{y:.1%} (%{customdata[1]:.1%} to %{customdata[2]:.1%}), "
        "n %{customdata[0]:,}<extra></extra>",
        "showlegend": False,
    }
    right = UNIT_INTERVAL_AXIS | {"tickformat": ".0%"}
    return build_figure(
        [ideal, points], palette, height=height, xaxis=UNIT_INTERVAL_AXIS, yaxis=right, hovermode="closest"
    )


def threshold_curves(rows: pl.DataFrame, palette: Palette, *, chosen: float, now: float | None) -> ChartFigure:
    """Quality and escalation at each threshold (threshold, quality, quality_low, ...); grey is what is unknown.

    Where no pair tells of the quality there is no line, only the bounds between which it must lie.
    """
    data = [
        _between(
            rows,
            "quality_lowest",
            "quality_highest",
            "no evidence: bounds only",
            colour_with_alpha(palette.rest, 0.35),
        )
    ]
    data += [
        _between(rows, "quality_low", "quality_high", "quality, 95 %", colour_with_alpha(palette.lane("small"), 0.25))
    ]
    data += [
        _line(rows, "quality", palette.lane("small"), 2),
        _line(rows, "escalation_rate", palette.lane("large"), 1.4),
    ]
    marks = [_mark(chosen, palette.text, "solid"), *([_mark(now, palette.quiet, "dot")] if now is not None else [])]
    return build_figure(
        data,
        palette,
        height=320,
        xaxis={"tickformat": ".2f", "title": {"text": "threshold", "font": {"size": 11}}},
        yaxis={"range": [0, 1], "tickformat": ".0%"},
        shapes=marks,
        margin={"l": 44, "r": 12, "t": 28, "b": 40},
    )


def _errors(rows: pl.DataFrame, value: str, colour: str) -> PlotlyTrace:
    """Whiskers from low to high; none where they are unknown."""
    up, down = rows["high"] - rows[value], rows[value] - rows["low"]
    lengths: Sequence[list[float]] = [up.fill_null(0).to_list(), down.fill_null(0).to_list()]
    return {
        "type": "data",
        "array": lengths[0],
        "arrayminus": lengths[1],
        "color": colour,
        "thickness": 1.2,
        "width": 4,
    }


def _between(rows: pl.DataFrame, low: str, high: str, name: str, colour: str) -> PlotlyTrace:
    """An area; nothing where it is unknown or has no height."""
    known = rows.drop_nulls([low, high]).filter(pl.col(high) > pl.col(low))
    x = known["threshold"].to_list()
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [*x, *reversed(x)],
        "y": [*known[high].to_list(), *reversed(known[low].to_list())],
        "fill": "toself",
        "fillcolor": colour,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": bool(x),
    }


def _line(rows: pl.DataFrame, column: str, colour: str, width: float) -> PlotlyTrace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": column.removesuffix("_rate"),
        "x": rows["threshold"].to_list(),
        "y": rows[column].to_list(),
        "connectgaps": False,
        "line": {"color": colour, "width": width},
        "hovertemplate": "%{y:.1%}",
    }


def _mark(at: float, colour: str, dash: str) -> PlotlyTrace:
    line = {"color": colour, "width": 1.2, "dash": dash}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": line}
