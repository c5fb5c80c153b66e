"""Rows in, figure out: every chart of the dashboard, without a word of Streamlit."""

from controlsurface.charts.cost_lines import monthly_cost_lines
from controlsurface.charts.distribution import confidence_heatmap, lane_histogram
from controlsurface.charts.exemplars import Exemplar, with_exemplars
from controlsurface.charts.figure import ChartFigure, EventMark, is_blank
from controlsurface.charts.latency_heatmap import latency_heatmap
from controlsurface.charts.palette import DARK, LIGHT, Palette
from controlsurface.charts.svg_sparkline import svg_sparkline
from controlsurface.charts.time_series import TimeSpan, lines, marked_windows, quantiles, shade_windows, stacked_areas
from controlsurface.charts.time_zone import shift_time_axis
from controlsurface.charts.uncertainty import interval_whiskers, reliability_curve, threshold_curves
from controlsurface.charts.wide_buckets import MIN_POINT_ROWS
