"""One way to draw: a figure in a single call, one template a theme, axes that know their unit.

A figure is plotly's JSON as plain values. Its classes would check every property of it anew at each drawing, which is
two thirds of a page's processor time; tests have them check every kind of figure instead.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from controlsurface.charts.palette import Palette

PlotlyTrace = dict[str, Any]
FONT_FAMILY = "Inter, ui-sans-serif, system-ui, sans-serif"

# unit -> (axis tick format, hover format, what a value is multiplied by, tick suffix)
UNIT_FORMATS: Mapping[str, tuple[str, str, float, str]] = {
    "ratio": (".0%", ".1%", 1, ""),
    "usd": ("$~g", "$,.4~f", 1, ""),
    "ms": ("~s", ".3~s", 0.001, "s"),
    "count": ("~s", ",.4~g", 1, ""),
}
PLAIN_FORMAT = ("~g", ".4~g", 1.0, "")

# numpy's names of the numbers that plotly.js takes as base64
PACKED_DTYPES = {
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "float32": "f4",
    "float64": "f8",
}


@dataclass(frozen=True, slots=True)
class ChartFigure:
    """Traces and layout, as plotly.js reads them; arrays may be numpy's."""

    data: tuple[PlotlyTrace, ...]
    layout: PlotlyTrace

    def having(self, **layout: Any) -> "ChartFigure":
        """The same figure with these parts of its layout."""
        return ChartFigure(self.data, {**self.layout, **layout})

    def packed(self) -> dict[str, Any]:
        """The figure as it is sent: arrays of numbers as base64, which is short and needs no parsing."""
        return {"data": [_packed(trace) for trace in self.data], "layout": self.layout}


@dataclass(frozen=True, slots=True)
class EventMark:
    """Something that happened, drawn as a line on every time chart: a deploy, a model or price change."""

    at: datetime
    label: str


@cache
def plotly_template(palette: Palette) -> PlotlyTrace:
    """What all figures share; made once a theme, so that a figure carries only what is its own."""
    axis = {
        "showgrid": False,
        "zeroline": False,
        "linecolor": palette.border,
        "tickfont": {"size": 11},
        "ticklabelstandoff": 4,
        "spikecolor": palette.spike,
        "spikedash": "dot",
        "spikethickness": 1,
    }
    return {
        "layout": {
            "font": {"family": FONT_FAMILY, "size": 11.5, "color": palette.quiet},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 44, "r": 12, "t": 8, "b": 26},
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": palette.surface,
                "bordercolor": palette.border,
                "namelength": -1,
                "font": {"family": FONT_FAMILY, "size": 12, "color": palette.text},
            },
            "dragmode": "select",
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.0,
                "yanchor": "bottom",
                "font": {"color": palette.quiet},
            },
            "xaxis": {**axis, "showspikes": True, "spikemode": "across"},
            "yaxis": {**axis, "showgrid": True, "gridcolor": palette.grid},
        },
    }


def build_figure(
    data: Sequence[PlotlyTrace],
    palette: Palette,
    *,
    height: int = 220,
    xaxis: PlotlyTrace | None = None,
    yaxis: PlotlyTrace | None = None,
    shapes: Sequence[PlotlyTrace] = (),
    annotations: Sequence[PlotlyTrace] = (),
    **layout: Any,
) -> ChartFigure:
    """`data` in the theme of `palette`; a legend, and room for it, only where there is more than one named trace."""
    named = sum(trace.get("showlegend", True) for trace in data) > 1
    top = 22 if named else 8
    return ChartFigure(
        tuple(data),
        {
            "template": plotly_template(palette),
            "height": height,
            "showlegend": named,
            "margin": {"l": 44, "r": 12, "t": top, "b": 30},
            "xaxis": xaxis or {},
            "yaxis": yaxis or {},
            "shapes": shapes,
            "annotations": annotations,
            **layout,
        },
    )


def is_blank(drawn: ChartFigure) -> bool:
    """Whether no line or area of a figure has a known value."""
    return all(_unknown(np.asarray(trace.get("y"))) for trace in drawn.data)


def _packed(trace: PlotlyTrace) -> PlotlyTrace:
    """A trace, or a part of one, without arrays."""
    return {name: _plain(value) for name, value in trace.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return _packed(value)
    return _base64(value) if isinstance(value, np.ndarray) else value


def _base64(values: npt.NDArray[Any]) -> Any:
    """An array of plotly.js; a list where it knows no such numbers, or there are none."""
    if not values.size or str(values.dtype) not in PACKED_DTYPES:
        return values.tolist()
    shape = {"shape": ", ".join(map(str, values.shape))} if values.ndim > 1 else {}
    return {"dtype": PACKED_DTYPES[str(values.dtype)], "bdata": b64encode(values.tobytes()).decode(), **shape}


def _unknown(values: npt.NDArray[Any]) -> bool:
    """Whether there is no value, or only numbers that nobody knows."""
    return not values.size or (values.dtype.kind == "f" and bool(np.isnan(values).all()))


def value_axis(unit: str) -> PlotlyTrace:
    """A y axis from zero that prints `unit`."""
    tick, _, _, suffix = UNIT_FORMATS.get(unit, PLAIN_FORMAT)
    return {"tickformat": tick, "ticksuffix": suffix, "rangemode": "tozero", "nticks": 5}


def hover_format(unit: str) -> str:
    """How a value of `unit` reads in the hover box."""
    _, form, _, suffix = UNIT_FORMATS.get(unit, PLAIN_FORMAT)
    return f"%{{y:{form}}}{suffix}"


def unit_scale(unit: str) -> float:
    """What values of `unit` are multiplied by before they are drawn."""
    return UNIT_FORMATS.get(unit, PLAIN_FORMAT)[2]


def plotly_text(name: object) -> str:
    """A name as plotly may print it: its pseudo-HTML is switched off, unknown is said."""
    return "unknown" if name is None else escape(str(name))
