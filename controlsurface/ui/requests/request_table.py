"""The table of requests, and which of them is chosen: its id and time are in the address, so that a link shows it."""

from datetime import datetime
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa
import streamlit as st

from controlsurface.client.arrow_rows import as_dicts, as_polars
from controlsurface.client.queries.request_detail import Near, RequestDetail, RequestQuery
from controlsurface.query.times import parse_instant
from controlsurface.ui.data import collector_queries

REQUEST_COLUMNS = {
    "started_at": st.column_config.DatetimeColumn(
        "Time (UTC)", format="MMM DD HH:mm:ss.SSS", timezone="UTC", width=150
    ),
    "lane": st.column_config.TextColumn("Lane"),
    "task_type": st.column_config.TextColumn("Task type"),
    "tenant": st.column_config.TextColumn("Tenant"),
    "answered_by": st.column_config.TextColumn("Model"),
    "reason": st.column_config.TextColumn("Reason", width=130),
    "confidence": st.column_config.ProgressColumn("Confidence", format="%.2f", min_value=0, max_value=1, width=110),
    "threshold": st.column_config.NumberColumn("Threshold", format="%.2f", width=75),
    "duration_ms": st.column_config.NumberColumn("Latency", format="%,.0f ms", width=80),
    "cost_usd": st.column_config.NumberColumn("Cost", format="$%.5f", width=85),
    "status": st.column_config.TextColumn("Status"),
    "request_id": st.column_config.TextColumn("Request", width=200),
}


def request_table(rows: pa.Table, *, height: int = 330) -> None:
    """Draw requests; a click on one puts its id and time into the address."""
    found = as_polars(rows)
    ids = found["request_id"].to_list()
    times = found["started_at"].to_list()
    key = f"requests {hash(tuple(ids))}"  # other rows are another table: a selection is a position
    now = st.query_params.get("request")
    status = pl.col("error_type").fill_null("ok").alias("status")
    st.dataframe(
        found.with_columns(status, pl.col("cost_usd").cast(pl.Float64)).select(*REQUEST_COLUMNS).to_arrow(),
        column_config=REQUEST_COLUMNS,
        hide_index=True,
        height=height,
        key=key,
        on_select=partial(_choose, key, ids, times),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [ids.index(now)] if now in ids else []}},
        placeholder="–",
        alt="Requests; choose a row to see why it went where it went",
    )


def chosen_request(rows: pa.Table) -> RequestDetail | None:
    """The request that the address names, or the only one there is."""
    name, at = st.query_params.get("request"), _moment(st.query_params.get("at"))
    if not name and rows.num_rows == 1:
        only = as_dicts(rows)[0]
        name, at = only["request_id"], only["started_at"]
    return collector_queries.fetch_cached(RequestQuery(name, Near(near=at))) if name else None


def _choose(key: str, ids: list[str], times: list[datetime | None]) -> None:
    """Write the clicked row into the address, or take it out again."""
    event: Any = st.session_state[key]
    rows = event["selection"]["rows"]
    if not rows:
        st.query_params.pop("request", None)
        st.query_params.pop("at", None)
        return
    at = times[rows[0]]
    st.query_params.update({"request": ids[rows[0]], "at": at.isoformat() if at else ""})


def _moment(text: str | None) -> datetime | None:
    """The time in a link; None for none and for nonsense, it is only a hint."""
    try:
        at = parse_instant(text) if text else None
    except ValueError:
        return None
    return at if isinstance(at, datetime) else None
