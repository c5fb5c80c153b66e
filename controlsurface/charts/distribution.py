"""Distributions: confidence against time with the thresholds drawn in, and the latency of two lanes side by side."""

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from controlsurface.charts.figure import ChartFigure, EventMark, PlotlyTrace, build_figure, plotly_text
from controlsurface.charts.palette import Palette
from controlsurface.charts.time_series import TimeSpan, Values, colour_with_alpha, event_markers, time_axis

CONFIDENCE_BANDS = 50  # of 0.02 each: two bins of the store
MAX_THRESHOLD_LINES = 5  # thresholds drawn; a router rarely has more
MIN_THRESHOLD_SHARE = 0.08  # of requests: a threshold of fewer is left out
LATENCY_BIN_LOG_WIDTH = math.log(1.05) * 3  # three of the store's latency bins


def confidence_heatmap(
    bins: pl.DataFrame,
    thresholds: pl.DataFrame,
    span: TimeSpan,
    palette: Palette,
    *,
    events: Sequence[EventMark] = (),
    height: int = 300,
) -> ChartFigure:
    """How many requests had which confidence when (bucket, lower, n); the thresholds they met (bucket, value, n).

    The axis reaches from 0 to 1; where scores lie beyond, it has the whole numbers around them.

    The colour grows with the square root of n, so that a quiet night is not black beside a busy day.
    """
    low, high = scale = _scale(bins)
    counts = _grid(bins, span, scale)
    height_of_band = (high - low) / CONFIDENCE_BANDS
    cells: PlotlyTrace = {
        "type": "heatmap",
        **span.regular,
        "y0": low + 0.5 * height_of_band,
        "dy": height_of_band,
        "z": np.where(counts > 0, np.sqrt(counts), np.nan).astype(np.float32),
        "customdata": counts,
        "colorscale": [[i / (len(palette.heat) - 1), colour] for i, colour in enumerate(palette.heat)],
        "showscale": False,
        "zmin": 0,
        "hoverongaps": False,
        "showlegend": False,
        "hovertemplate": "confidence %{y:.2f}: %{customdata:,.0f} requests<extra></extra>",
    }
    levels = _levels(thresholds)
    marks, words = event_markers(events, span, palette, foot=0)
    return build_figure(
        [cells, *(_threshold(level, where, span, palette) for level, where in levels)],
        palette,
        height=height,
        xaxis=time_axis(span),
        yaxis={
            "range": [low, high],
            "tickvals": [low + (high - low) * quarter / 4 for quarter in range(5)],
            "tickformat": ".2f",
            "showgrid": False,
        },
        shapes=marks,
        annotations=[*words, *(_label(level, palette) for level, _ in levels)],
        hovermode="closest",
        showlegend=False,
        margin={"l": 44, "r": 34, "t": 8, "b": 26},
    )


def lane_histogram(bins: pl.DataFrame, palette: Palette, *, by: str = "lane", height: int = 220) -> ChartFigure:
    """Latency of each lane as a share of its own requests (lower, upper in ms, n), on a logarithmic axis.

    Each lane sums to one, so that a lane with little traffic can be compared with a busy one.
    """
    parts = {key[0]: part for key, part in bins.group_by([by], maintain_order=True)}
    data = [_outline(name, parts[name], palette) for name in sorted(parts, key=palette.rank)]
    ticks = [10**power for power in range(7)]
    axis = {
        "type": "log",
        "tickvals": ticks,
        "ticktext": ["1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s", "1000 s"],
        "hoverformat": ",.3~s",
    }
    return build_figure(
        data, palette, height=height, xaxis=axis, yaxis={"tickformat": ".0%", "rangemode": "tozero", "nticks": 5}
    )


def _scale(bins: pl.DataFrame) -> tuple[int, int]:
    """From 0 to 1; of scores that lie beyond, whole numbers around all of them."""
    low, high = bins["lower"].min(), bins["lower"].max()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return 0, 1
    if low >= -1e-9 and high + 0.01 <= 1 + 1e-9:
        return 0, 1
    return math.floor(low + 1e-9), math.ceil(high + 0.01 - 1e-9)


def _grid(bins: pl.DataFrame, span: TimeSpan, scale: tuple[int, int]) -> Values:
    """Counts by band and bucket."""
    low, high = scale
    place = (pl.col("lower") - low) * CONFIDENCE_BANDS / (high - low) + 1e-6
    band = place.floor().clip(0, CONFIDENCE_BANDS - 1).cast(pl.Int32).alias("band")
    (counts,) = span.grids(bins.group_by("bucket", band).agg(pl.col("n").sum()), range(CONFIDENCE_BANDS), "band", n=0)
    return counts


def _levels(thresholds: pl.DataFrame) -> list[tuple[float, pl.DataFrame]]:
    """The LEVELS most used thresholds, each with its buckets; rare ones would hide the picture."""
    rounded = thresholds.drop_nulls("value").with_columns(level=pl.col("value").round(2))
    counted = rounded.group_by("level").agg(pl.col("n").sum())
    ranked = (
        counted.filter(pl.col("n") >= MIN_THRESHOLD_SHARE * pl.col("n").sum())
        .sort("n", descending=True)
        .head(MAX_THRESHOLD_LINES)
    )
    return [(level, rounded.filter(pl.col("level") == level)) for level in ranked["level"]]


def _threshold(level: float, where: pl.DataFrame, span: TimeSpan, palette: Palette) -> PlotlyTrace:
    """A threshold, from the first to the last bucket that has it."""
    used = span.times[np.searchsorted(span.times, where["bucket"].dt.epoch("ms").to_numpy())]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [used.min(), used.max() + span.step // timedelta(milliseconds=1)],
        "y": [level, level],
        "line": {"color": palette.text, "width": 1.2, "dash": "dash"},
        "hovertemplate": f"threshold {level:.2f}<extra></extra>",
        "showlegend": False,
    }


def _label(level: float, palette: Palette) -> PlotlyTrace:
    return {
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "y": level,
        "text": f"{level:.2f}",
        "showarrow": False,
        "font": {"color": palette.text, "size": 10.5},
    }


def _outline(name: object, part: pl.DataFrame, palette: Palette) -> PlotlyTrace:
    colour = palette.lane(str(name) if name is not None else None)
    bins = _merge_bins(part)
    total = bins["n"].sum() or 1
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plotly_text(name),
        "x": bins["lower"].to_numpy().astype(np.float32),
        "y": (bins["n"] / total).to_numpy().astype(np.float32),
        "customdata": bins["n"].to_numpy(),
        "line": {"color": colour, "width": 1.4, "shape": "hv"},
        "fill": "tozeroy",
        "fillcolor": colour_with_alpha(colour, 0.25),
        "hovertemplate": "%{y:.1%}  n %{customdata:,.0f}",
    }


def _merge_bins(part: pl.DataFrame) -> pl.DataFrame:
    """Bins a screen can show: three of the store's in one, empty ones between filled in."""
    index = (pl.col("lower").log() / LATENCY_BIN_LOG_WIDTH + 1e-6).floor().cast(pl.Int64).alias("index")
    counted = part.filter(pl.col("lower") > 0).group_by(index).agg(pl.col("n").sum())
    if counted.is_empty():
        return pl.DataFrame({"lower": [], "n": []}, schema={"lower": pl.Float64, "n": pl.Float64})
    first, last = int(counted["index"].min()), int(counted["index"].max())  # type: ignore[arg-type]
    every = pl.DataFrame({"index": range(first - 1, last + 2)}, schema={"index": pl.Int64})
    return (
        every.join(counted, on="index", how="left")
        .select(
            lower=(pl.col("index") * LATENCY_BIN_LOG_WIDTH).exp(),
            n=pl.col("n").fill_null(0).cast(pl.Float64),
        )
        .sort("lower")
    )
