"""The list of requests: a search by id, order and bounds, its table and the chosen one, all in the address."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, get_args

import polars as pl
import pyarrow as pa
import streamlit as st

from controlsurface.client.arrow_tables import as_dicts, as_polars
from controlsurface.client.queries.request_detail import Near, RequestDetail, RequestQuery
from controlsurface.client.queries.request_list import RequestOrder, RequestPage, RequestsArgs, RequestsQuery
from controlsurface.query.arguments import parse_instant
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states, time_zone
from controlsurface.ui.elements.html_tags import palette
from controlsurface.ui.elements.page_links import page_link
from controlsurface.ui.navigation import empty_window
from controlsurface.ui.navigation.view_controls import custom_range_parameters
from controlsurface.ui.requests import request_card
from controlsurface.ui.requests.confidence_bar import confidence_image
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import ROW_HEIGHT_PX, time_column
from controlsurface.ui.widgets.panels import panel

REQUEST_COLUMNS = {  # those first that a table beside a request has room for
    "started_at": None,  # in the zone of the page
    "lane": st.column_config.TextColumn("Lane"),
    "task_type": st.column_config.TextColumn("Task type", width=115),
    "against": st.column_config.ImageColumn(
        "vs threshold", width=110, help="The confidence; the tick is its threshold."
    ),
    "confidence": st.column_config.NumberColumn("Confidence", format="%.2f", width=85),
    "threshold": st.column_config.NumberColumn("Threshold", format="%.2f", width=75),
    "escalation_reason": st.column_config.TextColumn("Escalated because", width=130),
    "answered_by": st.column_config.TextColumn("Model"),
    "duration_ms": st.column_config.NumberColumn("Latency", format="%.3g s", width=80),
    "cost_usd": st.column_config.NumberColumn("Cost", format="$%.5f", width=85),
    "status": st.column_config.TextColumn("Status"),
    "tenant": st.column_config.TextColumn("Tenant"),
    "reason": st.column_config.TextColumn("Reason", width=130),
    "request_id": st.column_config.TextColumn("Request", width=200),
}


def request_table(rows: pa.Table) -> None:
    """Draw requests over the height of a screen; a click on one puts its id and time into the address."""
    found = as_polars(rows)
    colours = palette()
    pictures = [confidence_image(*each, colours) for each in found.select("confidence", "threshold").iter_rows()]
    found = found.with_columns(pl.Series("against", pictures, pl.String))
    ids = found["request_id"].to_list()
    times = found["started_at"].to_list()
    key = f"requests {hash(tuple(ids))}"  # other rows are another table: a selection is a position
    now = st.query_params.get("request")
    status = pl.col("error_type").fill_null("ok").alias("status")
    st.dataframe(
        found.with_columns(status, pl.col("cost_usd").cast(pl.Float64), pl.col("duration_ms") / 1000)
        .select(*REQUEST_COLUMNS)
        .to_arrow(),
        column_config=REQUEST_COLUMNS | {"started_at": time_column("Time", format="MMM DD HH:mm:ss.SSS", width=150)},
        hide_index=True,
        height=min(MAX_TABLE_HEIGHT_PX, ROW_HEIGHT_PX * (found.height + 1) + 4),
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


ORDER_LABELS: dict[RequestOrder, str] = dict(
    zip(get_args(RequestOrder), ("Recent", "Slowest", "Costliest", "Near threshold"), strict=True),
)
ORDER_NOTES: dict[RequestOrder, str] = dict(
    zip(get_args(RequestOrder), ("latest", "slowest", "costliest", "nearest"), strict=True),
)
MAX_TABLE_HEIGHT_PX = 660  # what a laptop's screen has under navigation and search
OUTCOME_LABELS = {"escalated": "escalated", "failed": "failed"}
BOUND_LABELS = {
    "confidence_min": "Confidence at least",
    "confidence_max": "Confidence at most",
    "latency_ms_min": "Latency at least, ms",
    "latency_ms_max": "Latency at most, ms",
    "cost_usd_min": "Cost at least, $",
}
DEFAULT_ROWS, MAX_ROWS = 100, 1000  # rows: at first, and at most
MAX_ID_CHARS = 200  # characters of an id


@dataclass(frozen=True, slots=True)
class RequestSearchResult:
    """A page of requests, and the words that say which."""

    page: RequestPage
    note: str
    wanted: str = ""


def search_requests(view: DashboardView) -> RequestSearchResult:
    """Draw the search bar, and find what it asks for: an id in all of time, everything else within the view."""
    with st.container(key="cs_search", horizontal=True, vertical_alignment="bottom"):
        wanted = _text()
        order = _order()
        only = _only()
        bounds = _bounds()
    if wanted:
        return _by_id(wanted, order)
    limit = st.session_state.get("_limit", DEFAULT_ROWS)
    args = RequestsArgs(**view.asked, order=order, limit=limit, **only, **bounds)
    page = collector_queries.fetch_cached(RequestsQuery(args))
    return RequestSearchResult(page, "" if page.next is None else f"{ORDER_NOTES[order]} {page.rows.num_rows:,}")


def requests_link(start: datetime, end: datetime, **bounds: float) -> None:
    """A link to the list of requests between two moments, within bounds, under the filters of now."""
    edges = time_zone.second_text(start), time_zone.second_text(end)
    words = f"Show the requests from {edges[0]} to {edges[1]} {time_zone.zone_label()}"
    st.html(page_link(words, "traces", {**custom_range_parameters(start, end), **bounds}))


def no_match_state(found: RequestSearchResult) -> None:
    """The state of an empty list: a trace that holds no request is drawn all the same."""
    if not found.wanted:
        empty_window.no_requests_state("No request matches")
    trace = collector_queries.fetch_trace(found.wanted, None) if _is_trace(found.wanted) else None
    if trace is None:
        states.stop_with_state(
            f"Nothing has the id {found.wanted}", "It may be older than the retention, or not have arrived yet."
        )
    with panel("Trace", "no request was derived from these spans"):
        request_card.trace_bars(trace, found.wanted, {})


def more_requests_button(found: RequestSearchResult) -> None:
    """A button for a longer list, or the advice that replaces it."""
    if found.page.next is None:
        return
    if found.page.rows.num_rows >= MAX_ROWS:
        st.caption(f"These are the first {MAX_ROWS:,}. Narrow the filters to see others.")
    elif st.button("Show more", key="more"):
        st.session_state["_limit"] = min(MAX_ROWS, found.page.rows.num_rows * 2)
        st.rerun()


def _by_id(wanted: str, order: RequestOrder) -> RequestSearchResult:
    """The requests of an id, whatever it is the id of."""
    kinds = [*(["trace_id"] if _is_trace(wanted) else []), "request_id", "session_id", "user_id"]
    for kind in kinds:
        page = collector_queries.fetch_cached(
            RequestsQuery(RequestsArgs(order=order, limit=MAX_ROWS, **{kind: wanted}))
        )
        if page.rows.num_rows:
            return RequestSearchResult(page, f"with {kind.replace('_', ' ')} {wanted}, of all time", wanted)
    return RequestSearchResult(page, "", wanted)


def _is_trace(text: str) -> bool:
    return len(text) == 32 and all(letter in "0123456789abcdefABCDEF" for letter in text)


def _text() -> str:
    said = st.text_input(
        "Search",
        key="find",
        bind="query-params",
        placeholder="request, trace, session or user id",
        max_chars=MAX_ID_CHARS,
    )
    return (said or "").strip()


def _order() -> RequestOrder:
    chosen = st.segmented_control(
        "Sort",
        list(ORDER_LABELS),
        default="recent",
        required=True,
        format_func=ORDER_LABELS.__getitem__,
        key="order",
        bind="query-params",
    )
    return chosen if chosen in ORDER_LABELS else "recent"  # an address may leave it empty


def _only() -> dict[str, Any]:
    chosen = st.pills(
        "Filter",
        list(OUTCOME_LABELS),
        selection_mode="multi",
        format_func=OUTCOME_LABELS.__getitem__,
        key="only",
        bind="query-params",
    )
    return dict.fromkeys(chosen, True)


def _bounds() -> dict[str, Any]:
    with st.popover("Range"):
        given = {
            name: st.number_input(label, value=None, min_value=0.0, key=name, bind="query-params", format="%g")
            for name, label in BOUND_LABELS.items()
        }
    return {name: value for name, value in given.items() if value is not None}
