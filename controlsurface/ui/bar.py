"""The time range and filters of all pages in the sidebar, mirrored in the address: a link reproduces the view."""

from datetime import UTC, datetime, timedelta

import polars as pl
import streamlit as st

from controlsurface.formatting import format_count, format_time
from controlsurface.reader.ingest import IngestQuery
from controlsurface.ui import reading, states, visitor, zoom
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import tag
from controlsurface.ui.window import RANGES, REFRESH, View, fixed, floored, running

NOT_SAID = "(unknown)"  # how a filter names rows whose value nobody said
USUAL, CUSTOM = "24h", "custom"
WINDOW = ("range", "from", "to", zoom.NAME)  # parts of an address that say when
LONGEST = 200  # characters of a value; longer ones are no names
FILTERS = {
    "task_type": "Task type",
    "lane": "Lane",
    "answered_by": "Model",
    "tenant": "Tenant",
    "router_version": "Router version",
    "environment": "Environment",
}


def draw() -> None:
    """Draw the bar; what it shows is the view that questions are about from here on."""
    reading.ask(IngestQuery())  # here and not in the sidebar, so that a missing collector is said on the page
    with st.sidebar:
        plain = _window(datetime.now(UTC))
        known = reading.values(FILTERS, plain)
        where = tuple(pair for name in FILTERS for pair in _filter(name, known.filter(pl.col("dimension") == name)))
        _live()
        _freshness()
        if visitor.people():
            st.html(tag("a", "Sign out", href="/signout", target="_self"))
    reading.remember(View(plain.start, plain.end, plain.step, where))


def _window(now: datetime) -> View:
    """The zoom if there is one; else a running range, or two moments for `custom`. Another range ends a zoom."""
    name = st.segmented_control(
        "Time range",
        [*RANGES, CUSTOM],
        default=USUAL,
        required=True,
        key="range",
        bind="query-params",
        label_visibility="collapsed",
        width="stretch",
        on_change=zoom.out,
    )
    zoomed = zoom.window()
    if zoomed:
        return fixed(*zoomed)
    if name in RANGES:
        return running(name, now)
    hour = floored(now, timedelta(hours=1))
    if name != CUSTOM:
        return running(USUAL, now)  # an address may leave the range empty
    return fixed(_moment("From (UTC)", "from", hour - timedelta(hours=24)), _moment("To (UTC)", "to", hour))


def _moment(label: str, key: str, default: datetime) -> datetime:
    """A date and time in UTC."""
    chosen = st.datetime_input(label, default.replace(tzinfo=None), key=key, bind="query-params", step=60)
    return chosen.replace(tzinfo=UTC)


def custom(start: datetime, end: datetime) -> dict[str, str]:
    """The part of an address that shows the minutes from `start` to `end`."""
    minute = timedelta(minutes=1)
    edges = {"from": floored(start, minute), "to": floored(end, minute) + minute}
    return {"range": CUSTOM} | {name: f"{edge:%Y-%m-%dT%H:%M}" for name, edge in edges.items()}


def _filter(name: str, known: pl.DataFrame) -> list[str]:
    """The chosen values of a dimension as `dimension:value`; none are all."""
    chosen = st.multiselect(
        FILTERS[name],
        [NOT_SAID if value is None else value for value in known["value"]],
        key=name,
        bind="query-params",
        placeholder="all",
        accept_new_options=True,  # a link may name a value that this window lacks, a list of thousands is cut
        max_selections=20,
    )
    return [f"{name}:{'' if value == NOT_SAID else value[:LONGEST]}" for value in chosen]


def _live() -> None:
    """The switch that draws the page anew every REFRESH. What is selected is in the address, so it stays."""
    if st.toggle("Live", key="live", bind="query-params", help=f"Draw anew every {REFRESH.seconds:,} seconds."):
        states.again(REFRESH, when=lambda: True)


def _freshness() -> None:
    """How far behind the collector is, in words."""
    now = reading.ask(IngestQuery())
    waiting = f" · {format_count(now.pending)} spans waiting" if now.pending else ""
    last = f"Last span {format_time(now.last_accepted_at)} UTC" if now.last_accepted_at else "No span yet"
    st.caption(plain(f"{last}{waiting}"))
