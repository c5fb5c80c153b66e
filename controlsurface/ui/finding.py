"""Which requests a list shows: an id, an order, a few bounds; all of it in the address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from urllib.parse import urlencode

import streamlit as st

from controlsurface.formatting import format_time
from controlsurface.reader.listing import Order, Page, RequestsArgs, RequestsQuery
from controlsurface.ui import empty, reading, request_card, states
from controlsurface.ui.bar import FILTERS, custom
from controlsurface.ui.markup import tag, text
from controlsurface.ui.panels import panel
from controlsurface.ui.window import View

ORDERS: dict[Order, str] = dict(
    zip(get_args(Order), ("Recent", "Slowest", "Costliest", "Near threshold"), strict=True),
)
ONLY = {"escalated": "escalated", "failed": "not answered"}
BOUNDS = {
    "confidence_min": "Confidence at least",
    "confidence_max": "Confidence at most",
    "latency_ms_min": "Latency at least, ms",
    "cost_usd_min": "Cost at least, $",
}
FEWEST, MOST = 100, 1000  # rows: at first, and at most
LONGEST = 200  # characters of an id


@dataclass(frozen=True, slots=True)
class Found:
    """A page of requests, and the words that say which."""

    page: Page
    note: str
    wanted: str = ""


def search(view: View) -> Found:
    """Draw the search bar, and find what it asks for: an id in all of time, everything else within the view."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = _text()
        order = _order()
        only = _only()
        bounds = _bounds()
    if wanted:
        return _by_id(wanted, order)
    limit = st.session_state.get("_limit", FEWEST)
    args = RequestsArgs(**view.asked, order=order, limit=limit, **only, **bounds)
    page = reading.ask(RequestsQuery(args))
    return Found(page, "" if page.next is None else f"the first {page.rows.num_rows:,}")


def lead_to_requests(start: datetime, end: datetime, **bounds: float) -> None:
    """A link to the list of requests between two moments, within bounds, under the filters of now.

    An address of its own, and so a new session: inside one, Streamlit's bound widgets hold their value against a link.
    """
    kept = {name: st.query_params.get_all(name) for name in FILTERS}
    address = urlencode({**kept, **custom(start, end), **bounds}, doseq=True)
    words = f"Show the requests from {format_time(start)} to {format_time(end)} UTC"
    st.html(tag("a", text(words), href=f"traces?{address}", class_="cs-link"))


def nothing(found: Found) -> None:
    """The state of an empty list: a trace that holds no request is drawn all the same."""
    if not found.wanted:
        empty.nothing_yet("No request matches")
    trace = reading.trace(found.wanted, None) if _is_trace(found.wanted) else None
    if trace is None:
        states.stopped(
            f"Nothing has the id {found.wanted}", "It may be older than the retention, or not have arrived yet."
        )
    with panel("Trace", "no request was derived from these spans"):
        request_card.bars(trace, found.wanted, {})


def more(found: Found) -> None:
    """A button for a longer list, or the advice that replaces it."""
    if found.page.next is None:
        return
    if found.page.rows.num_rows >= MOST:
        st.caption(f"These are the first {MOST:,}. Narrow the filters to see others.")
    elif st.button("Show more", key="more"):
        st.session_state["_limit"] = min(MOST, found.page.rows.num_rows * 2)
        st.rerun()


def _by_id(wanted: str, order: Order) -> Found:
    """The requests of an id, whatever it is the id of."""
    kinds = [*(["trace_id"] if _is_trace(wanted) else []), "request_id", "session_id", "user_id"]
    for kind in kinds:
        page = reading.ask(RequestsQuery(RequestsArgs(order=order, limit=MOST, **{kind: wanted})))
        if page.rows.num_rows:
            return Found(page, f"with {kind.replace('_', ' ')} {wanted}, of all time", wanted)
    return Found(page, "", wanted)


def _is_trace(text: str) -> bool:
    return len(text) == 32 and all(letter in "0123456789abcdefABCDEF" for letter in text)


def _text() -> str:
    said = st.text_input(
        "Find", key="find", bind="query-params", placeholder="request, trace, session or user id", max_chars=LONGEST
    )
    return (said or "").strip()


def _order() -> Order:
    chosen = st.segmented_control(
        "Order",
        list(ORDERS),
        default="recent",
        required=True,
        format_func=ORDERS.__getitem__,
        key="order",
        bind="query-params",
    )
    return chosen if chosen in ORDERS else "recent"  # an address may leave it empty


def _only() -> dict[str, Any]:
    chosen = st.pills(
        "Only", list(ONLY), selection_mode="multi", format_func=ONLY.__getitem__, key="only", bind="query-params"
    )
    return dict.fromkeys(chosen, True)


def _bounds() -> dict[str, Any]:
    with st.popover("Bounds"):
        given = {
            name: st.number_input(label, value=None, min_value=0.0, key=name, bind="query-params", format="%g")
            for name, label in BOUNDS.items()
        }
    return {name: value for name, value in given.items() if value is not None}
