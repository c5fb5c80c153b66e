"""What two ways of building the system cost a month at any volume, with the volume at which they cost the same."""

from collections.abc import Sequence

from controlsurface.charts.figure import ChartFigure, PlotlyTrace, build_figure, plotly_text
from controlsurface.charts.palette import Palette
from controlsurface.charts.time_series import colour_with_alpha
from controlsurface.money.control.cost_curve import CostLine

LINES_HEIGHT_PX = 300


def monthly_cost_lines(
    lines: Sequence[CostLine], palette: Palette, *, most: float, crossing: float | None = None
) -> ChartFigure:
    """Two lines of known cost from 0 to `most` requests a month, their intervals, and a dotted mark at the crossing."""
    data: list[PlotlyTrace] = []
    for line, colour in zip(lines, (palette.accent, palette.changed), strict=True):
        low, high = line.ends
        fixed = line.fixed_usd or 0
        ends = [fixed + high * most, fixed + low * most]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [0, most, most],
                "y": [fixed, *ends],
                "fill": "toself",
                "fillcolor": colour_with_alpha(colour, 0.18),
                "line": {"width": 0},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
        steps = [most * step / 50 for step in range(51)]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plotly_text(line.name),
                "x": steps,
                "y": [line.monthly(step) for step in steps],
                "line": {"color": colour, "width": 2},
                "hovertemplate": "%{x:,.0f} requests: $%{y:,.2f}",
            }
        )
    marks = []
    if crossing is not None and crossing <= most:
        line_style = {"color": palette.quiet, "width": 1.2, "dash": "dot"}
        at = {"x0": crossing, "x1": crossing, "y0": 0, "y1": 1, "yref": "paper"}
        marks = [{"type": "line", **at, "line": line_style}]
    return build_figure(
        data,
        palette,
        height=LINES_HEIGHT_PX,
        xaxis={"title": {"text": "requests a month", "font": {"size": 11}}, "tickformat": "~s"},
        yaxis={"rangemode": "tozero", "tickformat": "$~s", "showgrid": True, "gridcolor": palette.grid},
        shapes=marks,
        margin={"l": 52, "r": 12, "t": 28, "b": 40},
    )
