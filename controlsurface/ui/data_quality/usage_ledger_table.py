"""Spans that carry tokens or a cost: counted, explained, unexplained, as a table and in a sentence."""

from urllib.parse import quote

import polars as pl
import streamlit as st

from controlsurface.client.arrow_rows import as_polars
from controlsurface.client.queries.usage_ledger_query import UNEXPLAINED, UsageLedgerQuery
from controlsurface.query.arguments import TimeRange
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.markdown import escape_markdown
from controlsurface.ui.widgets.data_table import data_table

ENTRY_MEANINGS = {
    "call": "Model calls",
    "wrapper": "Agents, workflows and gateways that repeat the calls below them",
    "part": "Notes below a call that repeat a part of it",
    "twin": "Spans of a second instrument beside the first, of one answer",
    "cache": "Answers from a cache that repeat the call they saved",
    "no_model": "Tokens or a cost without a model's name",
    "more_than_its_calls": "Wrappers that report more than the calls below them",
}
LEDGER_LABELS = {
    "entry": "Entry",
    "meaning": "Spans",
    "spans": "Count",
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "cost_usd": "Cost",
}


def usage_ledger_table() -> None:
    """Draw the ledger of the view's window, and lead to traces of what is unexplained."""
    of = collector_queries.current_view()
    args = TimeRange(start=of.start, end=of.end)
    rows = as_polars(collector_queries.fetch_cached(UsageLedgerQuery(args), of.refresh).rows)
    meaning = pl.col("reason").replace_strict(ENTRY_MEANINGS, default=pl.col("reason"), return_dtype=pl.String)
    shown = rows.with_columns(meaning.alias("meaning")).select(*LEDGER_LABELS)
    units = {"spans": "count", "input_tokens": "count", "output_tokens": "count", "cost_usd": "usd"}
    data_table(shown, units, "usage-ledger", labels=LEDGER_LABELS)
    st.caption(_in_words(rows))


def _in_words(rows: pl.DataFrame) -> str:
    """Whether the ledger closes, and where to look if something is unexplained."""
    left = rows.filter(pl.col("entry") == UNEXPLAINED)
    spans, all_spans = int(left["spans"].sum()), int(rows["spans"].sum())
    if not spans:
        return f"All {all_spans:,} spans with tokens or a cost are counted or explained."
    traces = left["trace_ids"].explode().drop_nulls().unique(maintain_order=True).to_list()[:5]
    links = ", ".join(f"[{escape_markdown(trace[:8])}](traces?find={quote(trace)})" for trace in traces)
    return f"{spans:,} of {all_spans:,} spans with tokens or a cost are in no figure. Traces: {links}."
