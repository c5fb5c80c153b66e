"""Latency against time: how many requests of a lane took how long when, on a logarithmic axis that shows two modes."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from controlsurface.charts.distribution import LATENCY_BIN_LOG_WIDTH
from controlsurface.charts.figure import ChartFigure, EventMark, PlotlyTrace, build_figure
from controlsurface.charts.palette import Palette
from controlsurface.charts.time_series import TimeSpan, event_markers, time_axis
from controlsurface.formatting import format_duration

MIN_BANDS = 12  # bands of a chart whose requests all take alike
_TICKS_MS = [power * 10**digits for digits in range(8) for power in (1, 3)]


def latency_heatmap(
    bins: pl.DataFrame, span: TimeSpan, palette: Palette, *, events: Sequence[EventMark] = (), height: int = 300
) -> ChartFigure:
    """How many requests took how long when (bucket, lower in ms, n); the y axis is the logarithm to base ten of ms.

    The colour grows with the square root of n, so that a quiet night is not black beside a busy day.
    """
    first, bands, banded = _banded(bins)
    (counts,) = span.grids(banded, range(bands), "band", n=0)
    width = LATENCY_BIN_LOG_WIDTH / math.log(10)
    low = first * width
    names = [_band_name(first + band) for band in range(bands)]
    cells: PlotlyTrace = {
        "type": "heatmap",
        **span.regular,
        "y0": low + width / 2,
        "dy": width,
        "z": np.where(counts > 0, np.sqrt(counts), np.nan).astype(np.float32),
        "customdata": counts,
        "text": [[name] * counts.shape[1] for name in names],
        "colorscale": [[i / (len(palette.heat) - 1), colour] for i, colour in enumerate(palette.heat)],
        "showscale": False,
        "zmin": 0,
        "hoverongaps": False,
        "showlegend": False,
        "hovertemplate": "%{text}: %{customdata:,.0f} requests<extra></extra>",
    }
    marks, words = event_markers(events, span, palette, foot=0)
    ends = (low, low + bands * width)
    ticks = [ms for ms in _TICKS_MS if ends[0] <= math.log10(ms) <= ends[1]]
    return build_figure(
        [cells],
        palette,
        height=height,
        xaxis=time_axis(span),
        yaxis={
            "range": [*ends],
            "tickvals": [math.log10(ms) for ms in ticks],
            "ticktext": [format_duration(ms) for ms in ticks],
            "showgrid": False,
        },
        shapes=marks,
        annotations=words,
        hovermode="closest",
        showlegend=False,
        margin={"l": 52, "r": 12, "t": 8, "b": 26},
    )


def _banded(bins: pl.DataFrame) -> tuple[int, int, pl.DataFrame]:
    """The first band, how many there are, and the rows (bucket, band, n); a band is three of the store's bins."""
    place = (pl.col("lower").log() / LATENCY_BIN_LOG_WIDTH + 1e-6).floor().cast(pl.Int64)
    rows = bins.filter(pl.col("lower") > 0).group_by("bucket", place.alias("place")).agg(pl.col("n").sum())
    if rows.is_empty():
        return 0, MIN_BANDS, rows.with_columns(band=pl.lit(0))
    first, last = int(rows["place"].min()), int(rows["place"].max())  # type: ignore[arg-type]
    more = max(0, MIN_BANDS - (last - first + 1))
    first -= more // 2
    return first, last - first + 1 + more - more // 2, rows.with_columns(band=pl.col("place") - first)


def _band_name(place: int) -> str:
    """From how long to how long."""
    lower, upper = (math.exp((place + more) * LATENCY_BIN_LOG_WIDTH) for more in (0, 1))
    return f"{format_duration(lower)} to {format_duration(upper)}"
