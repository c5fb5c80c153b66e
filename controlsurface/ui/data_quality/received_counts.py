"""What became of everything that was sent: counted, not understood, spans with tokens or a cost explained or not."""

import json
from collections.abc import Iterable
from urllib.parse import quote

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.ingest_queries import (
    UNEXPLAINED,
    DroppedKeysQuery,
    IngestQuery,
    SourcesQuery,
    UnreadKeysQuery,
    UsageLedgerQuery,
)
from controlsurface.query.arguments import TimeRange
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown
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


COUNTER_MEANINGS = {
    "received": "items in bodies that could be decoded: spans, log records, data points",
    "accepted": "answered with success, and so on the disk",
    "rejected": "refused one by one: an id that cannot be, a field of the wrong type; the answer says how many",
    "mended": "kept, with bad characters replaced or a value not of the kind it names: see controlsurface.mended",
    "duplicate": "sent again and stored once",
    "late": "came after their request was derived, and corrected it",
    "unrecognised": "kept, but no vocabulary in collectors/ reads them",
    "expired": "came when rows of their time were gone already, or about to go: retention in the configuration",
    "cut": "values of spans that were too long: stored cut, ending in …; limits.value_length in the configuration",
    "set_aside": "accepted, and kept whole, but could not be stored as rows",
    "pending": "accepted, and not yet visible to queries",
    "bodies": "requests answered with success",
    "bad_bodies": "requests that could not be decoded: the sender was told 400",
    "too_large": "requests over the size limit: the sender was told 413",
    "over_limit": "requests that hold more items or fields than one may ([receiver]): the sender was told 400",
    "trimmed": "attributes, events and links dropped because their item has too many ([receiver])",
    "journal_damages": "places at which the journal was damaged: at least one request each is lost",
    "journal_lost_bytes": "bytes of the journal that could not be read; what lies behind them was",
    "checker_restarts": "times the process that checks requests ended or hung, and was replaced",
    "refused": "requests told to come again later: the sender was told 503",
    "bytes": "of all bodies after decompression, since the store was made",
}

COUNTER_LABELS = {"set_aside": "quarantined"}  # where the word for users is another than the name of the counter


def ingest_counters() -> pl.DataFrame:
    """The receivers' counters since the store was made: what, items, meaning."""
    now = collector_queries.fetch_cached(IngestQuery())
    found = {name: now.counters.get(name, getattr(now, name, None)) for name in COUNTER_MEANINGS}
    rows = [
        {
            "what": COUNTER_LABELS.get(name, name.replace("_", " ")),
            "items": found[name],
            "meaning": COUNTER_MEANINGS[name],
        }
        for name in COUNTER_MEANINGS
    ]
    return pl.DataFrame(rows, schema={"what": pl.String, "items": pl.Int64, "meaning": pl.String})


def has_received_anything() -> bool:
    """Whether this collector ever received something, or has requests in the view."""
    return (
        bool(collector_queries.fetch_cached(IngestQuery()).received)
        or not collector_queries.query_metric("requests", by=["lane"]).is_empty()
    )


def unrecognised_attributes() -> pl.DataFrame:
    """Attributes that no vocabulary reads: key, n, first_seen, last_seen."""
    return as_polars(collector_queries.fetch_cached(UnreadKeysQuery()).rows)


def content_not_stored() -> pl.DataFrame:
    """Attributes whose content was not stored: key, n, first_seen, last_seen."""
    return as_polars(collector_queries.fetch_cached(DroppedKeysQuery()).rows)


def keep_configuration_lines(keys: Iterable[str]) -> str:
    """The lines of a configuration that keep these keys.

    >>> print(keep_configuration_lines(["acme.note", "acme.odd[1]"]))
    [content]
    keep = ["acme.note", "acme.odd[[]1]"]
    """
    listed = ", ".join(json.dumps(key.replace("[", "[[]"), ensure_ascii=False) for key in keys)
    return f"[content]\nkeep = [{listed}]"


def sending_services() -> pl.DataFrame:
    """Services of the last seven days: service, spans, first_seen, last_seen, least_delay_ms."""
    return as_polars(collector_queries.fetch_cached(SourcesQuery()).rows)
