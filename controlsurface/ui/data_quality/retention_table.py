"""What is kept for how long, as a table and in a sentence."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_rows import as_polars
from controlsurface.client.queries import retention_status
from controlsurface.client.query_protocol import Result
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.markdown import escape_markdown
from controlsurface.ui.widgets.data_table import data_table

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
    return moment.strftime("%H:%M UTC" if near else "%Y-%m-%d %H:%M UTC")
