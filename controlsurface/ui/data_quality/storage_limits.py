"""Limits of what is stored: dimensions with more values than allowed, and what is kept for how long."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries import retention_status
from controlsurface.client.queries.cardinality_query import CardinalityQuery
from controlsurface.client.query_protocol import Result
from controlsurface.query.arguments import TimeRange
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown
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


RETENTION_LABELS = {
    "table": "Rows of",
    "keep": "Kept",
    "rows": "Rows",
    "oldest": "Oldest",
    "too_old": "Too old",
    "removed": "Removed so far",
}


def retention_table() -> None:
    """What is kept, table by table, and how the retention went."""
    data_table(
        _retained_tables(), dict.fromkeys(("rows", "too_old", "removed"), "count"), "retention", labels=RETENTION_LABELS
    )
    st.caption(escape_markdown(_in_words()))


def _retained_tables() -> pl.DataFrame:
    """Tables that have rows or had some: table, keep (as text), rows, oldest, too_old (they go next), removed."""
    rows = as_polars(_answer().rows).filter((pl.col("rows") > 0) | (pl.col("removed") > 0))
    days = (pl.col("keep_s") // 86_400).cast(pl.String) + " days"
    return rows.select(pl.col("table").str.replace_all("_", " "), days.alias("keep"), *list(RETENTION_LABELS)[2:])


def _in_words() -> str:
    """When it was last applied, when it is next, and what is in the way."""
    facts = _answer().facts
    said = [f"Last applied {_when(facts, 'last_run_at')}, next {_when(facts, 'next_run_at')}."]
    if facts["rows_since"]:
        said.append(f"Before {_when(facts, 'rows_since')} only hourly roll-ups answer.")
    if facts["problem"]:
        said.append(f"Not all that is too old is gone: {facts['problem']}.")
    return " ".join(said)


def _answer() -> Result:
    """What the collector says, shared for some seconds."""
    return collector_queries.fetch_cached(retention_status.RetentionQuery())


def _when(facts: Mapping[str, Any], name: str) -> str:
    """A time of the facts as people write it."""
    if not facts[name]:
        return "when a server has run for a minute" if name == "next_run_at" else "never"
    moment = datetime.fromisoformat(facts[name])
    near = abs(moment - datetime.now(UTC)) < timedelta(days=1)
    shown = time_zone.display_time(moment)
    return f"{shown:{'%H:%M' if near else '%Y-%m-%d %H:%M'}} {time_zone.zone_label()}"
