"""Rows in, figure out: every chart of the dashboard, without a word of Streamlit."""

from controlsurface.charts.distribution import heatmap, lanes
from controlsurface.charts.evidence import consequences, reliability, whiskers
from controlsurface.charts.figure import Event, Figure, blank
from controlsurface.charts.over_time import Span, lines, quantiles, stacked
from controlsurface.charts.palette import DARK, LIGHT, Palette
from controlsurface.charts.spark import spark
from controlsurface.charts.windows import course

__all__ = [
    "DARK",
    "LIGHT",
    "Event",
    "Figure",
    "Palette",
    "Span",
    "blank",
    "consequences",
    "course",
    "heatmap",
    "lanes",
    "lines",
    "quantiles",
    "reliability",
    "spark",
    "stacked",
    "whiskers",
]
