"""Dimensions with more values than their limit allows, as a table and in a sentence."""

import polars as pl
import streamlit as st

from controlsurface.client.arrow_rows import as_polars
from controlsurface.client.queries.cardinality_query import CardinalityQuery
from controlsurface.query.arguments import TimeRange
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.states import empty_state
from controlsurface.ui.widgets.data_table import data_table

CARDINALITY_LABELS = {
    "dimension": "Dimension",
    "limit": "Limit a day",
    "values": "Values",
    "over_limit": "Over the limit (about)",
    "other_rows": "Requests in (other)",
    "samples": "Such as",
    "last_day": "Last day",
}


def cardinality_table() -> None:
    """Draw the dimensions over their limit in the view's window; or which one is nearest to it."""
    of = collector_queries.current_view()
    args = TimeRange(start=of.start, end=of.end)
    rows = as_polars(collector_queries.fetch_cached(CardinalityQuery(args), of.refresh).rows)
    over = rows.filter(pl.col("over_limit") > 0)
    if over.is_empty():
        empty_state("None in this window", _nearest(rows))
        return
    shown = over.with_columns(pl.col("samples").list.join(", ")).select(*CARDINALITY_LABELS)
    units = dict.fromkeys(("limit", "values", "over_limit", "other_rows"), "count")
    data_table(shown, units, "values-over-limit", labels=CARDINALITY_LABELS)
    st.caption(
        "Totals and figures by other dimensions include these requests. A value that is new with each request belongs "
        "into an attribute that no vocabulary reads. `limits.values` of the configuration raises the limit from now "
        "on, `controlsurface rederive` also for what is stored."
    )


def _nearest(rows: pl.DataFrame) -> str:
    """The dimension with the most values, by its limit."""
    (row,) = rows.sort(pl.col("values") / pl.col("limit"), descending=True).head(1).to_dicts()
    return f"Most values on a day: {row['values']:,} of {row['dimension']}, of {row['limit']:,} allowed."
