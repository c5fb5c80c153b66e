"""A ranked table of one dimension, whose chosen row is brought out in the chart beside it."""

from typing import Any

import polars as pl
import streamlit as st

from controlsurface.formatting import format_difference
from controlsurface.ui.view.time_range import MIN_SHARE_ROWS


def ranking_table(rows: pl.DataFrame, by: str, label: str) -> object:
    """Draw rows of side_by_side, highest first; the chosen row's value of `by`, or `...` where none is chosen."""
    ranked = rank_rows(rows)
    names = ranked[by].to_list()
    event: Any = st.dataframe(
        ranked.select(
            pl.col(by).fill_null("unknown"),
            pl.col("value") * 100,
            pl.col("delta") * 100,
            "n",
        ).to_arrow(),
        column_config={
            by: st.column_config.TextColumn(label, width=110),
            "value": st.column_config.ProgressColumn("Rate", format="%.1f %%", min_value=0, max_value=100, width=110),
            "delta": st.column_config.NumberColumn("vs last week", format="%+.1f pp", width=90),
            "n": st.column_config.NumberColumn("n", format="localized", width=60),
        },
        hide_index=True,
        key=f"ranking {by} {hash(tuple(names))}",  # another order is another table: a selection is a position
        on_select="rerun",
        selection_mode="single-row",
        placeholder="too few",
        alt=f"{label}s ranked",
    )
    chosen = event["selection"]["rows"]
    return names[chosen[0]] if chosen else ...


def rank_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, highest first; a value that rests on too few is unknown, and so last."""
    known = pl.when(pl.col("n") >= MIN_SHARE_ROWS).then(pl.col("value"))
    return rows.with_columns(known.alias("value")).sort("value", descending=True, nulls_last=True)


def largest_mover(rows: pl.DataFrame, by: str) -> tuple[object, bool, str]:
    """The value of `by` that moved the whole most, or the highest where none moved; whether it moved; words for it."""
    moved = rows.filter("moved").sort(pl.col("delta").abs() * pl.col("n"), descending=True)
    if moved.height:
        row = moved.row(0, named=True)
        return (
            row[by],
            True,
            f"{row[by] or 'unknown'} moved {format_difference(row['delta'], 'ratio')} against last week",
        )
    ranked = rank_rows(rows).drop_nulls("value")
    if not ranked.height:
        return ..., False, ""
    return ranked.item(0, by), False, f"{ranked.item(0, by) or 'unknown'} is highest; none moved against last week"
