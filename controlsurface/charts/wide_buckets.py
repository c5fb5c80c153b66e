"""Buckets that are wider than a chart's cells: in which cells they are drawn, and what the hover box says of them."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from controlsurface.charts.figure import PlotlyTrace
from controlsurface.formatting import format_duration

MIN_POINT_ROWS = 30  # rows: a point of fewer is left out of a line, for it jumps


def cell_rows(rows: pl.DataFrame, step: timedelta) -> pl.DataFrame:
    """Rows as the chart's cells: a wide bucket (bucket, until) is in each that it holds, `cells` says how many.

    Rows without `until` have the chart's own buckets; those of few rows are left out.
    """
    if "until" not in rows.columns:
        return rows.filter(pl.col("n") >= MIN_POINT_ROWS).with_columns(cells=1)
    own = pl.datetime_ranges("bucket", "until", step, closed="left")
    length = (pl.col("until") - pl.col("bucket")).dt.total_milliseconds()
    return rows.with_columns(cells=length // (step // timedelta(milliseconds=1)), bucket=own).explode("bucket")


def with_lengths(line: PlotlyTrace, cells: npt.NDArray[np.float32], step: timedelta) -> PlotlyTrace:
    """The line, with the length of each bucket that is wider than `step` in the hover box."""
    words = {int(each): f" over {format_duration(step * int(each))}" for each in np.unique(cells) if each > 1}
    if not words:
        return line
    texts = [words.get(int(each), "") for each in cells]
    return {**line, "text": texts, "hovertemplate": line["hovertemplate"] + "%{text}"}
