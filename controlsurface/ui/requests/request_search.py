"""Which requests a list shows: an id, an order, a few bounds; all of it in the address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from urllib.parse import urlencode

import streamlit as st

from controlsurface.client.queries.request_list import RequestOrder, RequestPage, RequestsArgs, RequestsQuery
from controlsurface.formatting import format_time
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.navigation.sidebar import custom_range_parameters
from controlsurface.ui.requests import request_card
from controlsurface.ui.view.filters import FILTER_LABELS
from controlsurface.ui.view.time_range import DashboardView
from controlsurface.ui.widgets import no_requests
from controlsurface.ui.widgets.panels import panel

ORDER_LABELS: dict[RequestOrder, str] = dict(
    zip(get_args(RequestOrder), ("Recent", "Slowest", "Costliest", "Near threshold"), strict=True),
)
OUTCOME_LABELS = {"escalated": "escalated", "failed": "not answered"}
BOUND_LABELS = {
    "confidence_min": "Confidence at least",
    "confidence_max": "Confidence at most",
    "latency_ms_min": "Latency at least, ms",
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
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = _text()
        order = _order()
        only = _only()
        bounds = _bounds()
    if wanted:
        return _by_id(wanted, order)
    limit = st.session_state.get("_limit", DEFAULT_ROWS)
    args = RequestsArgs(**view.asked, order=order, limit=limit, **only, **bounds)
    page = collector_queries.fetch_cached(RequestsQuery(args))
    return RequestSearchResult(page, "" if page.next is None else f"the first {page.rows.num_rows:,}")


def requests_link(start: datetime, end: datetime, **bounds: float) -> None:
    """A link to the list of requests between two moments, within bounds, under the filters of now.

    An address of its own, and so a new session: inside one, Streamlit's bound widgets hold their value against a link.
    """
    kept = {name: st.query_params.get_all(name) for name in FILTER_LABELS}
    address = urlencode({**kept, **custom_range_parameters(start, end), **bounds}, doseq=True)
    words = f"Show the requests from {format_time(start)} to {format_time(end)} UTC"
    st.html(html_tag("a", html_text(words), href=f"traces?{address}", class_="cs-link"))


def no_match_state(found: RequestSearchResult) -> None:
    """The state of an empty list: a trace that holds no request is drawn all the same."""
    if not found.wanted:
        no_requests.no_requests_state("No request matches")
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
        "Find",
        key="find",
        bind="query-params",
        placeholder="request, trace, session or user id",
        max_chars=MAX_ID_CHARS,
    )
    return (said or "").strip()


def _order() -> RequestOrder:
    chosen = st.segmented_control(
        "Order",
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
        "Only",
        list(OUTCOME_LABELS),
        selection_mode="multi",
        format_func=OUTCOME_LABELS.__getitem__,
        key="only",
        bind="query-params",
    )
    return dict.fromkeys(chosen, True)


def _bounds() -> dict[str, Any]:
    with st.popover("Bounds"):
        given = {
            name: st.number_input(label, value=None, min_value=0.0, key=name, bind="query-params", format="%g")
            for name, label in BOUND_LABELS.items()
        }
    return {name: value for name, value in given.items() if value is not None}
