"""The bar above every page: time range, refresh, saved views and filters; on a phone one button that unfolds them."""

from datetime import UTC, datetime, timedelta
from functools import partial

import polars as pl
import streamlit as st

from controlsurface.client.queries.ingest_queries import IngestQuery
from controlsurface.formatting import format_count
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import states, time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text
from controlsurface.ui.navigation import saved_views, view_controls
from controlsurface.ui.view import FILTER_LABELS, MINUTE, ZONE_PARAMETER, DashboardView

REFRESH_INTERVALS = {"off": None, "10 s": timedelta(seconds=10), "1 min": timedelta(minutes=1)}
OLD_LIVE_PARAMETER = "live"  # of links from before there was a choice
FILTER_WIDTH = 158  # pixels: six stand in a line on a screen of 1,280
BAR_KEY, FILTERS_KEY, FOLD_KEY, ADD_KEY = "cs_bar", "cs_filters", "cs_unfold", "cs_add_filter"
MAX_WINDOW = timedelta(days=366)
JUST_NOW_S = 5
TIME_UNITS = (("d", 86_400, 2 * 86_400), ("h", 3_600, 3_600), ("min", 60, 60), ("s", 1, 0))  # seconds; from how many on


def draw_filter_bar(page: str) -> None:
    """Draw the bar; what it shows is the view that questions are about from here on."""
    collector_queries.fetch_cached(IngestQuery())  # first, so that a missing collector is said on the page
    st.checkbox("Range and filters", key=FOLD_KEY)  # seen on a phone only
    with st.container(key=BAR_KEY, horizontal=True, vertical_alignment="center", gap="small"):
        plain = view_controls.draw_time_range()
        _pan_and_zoom(plain)
        _refresh()
        _choose_zone(plain.end)
        saved_views.saved_views_menu(page)
        _freshness()
        if visitor.users_by_token():
            st.html(html_tag("a", "Sign out", href="/signout", target="_self"), width="content")
    with st.container(key=FILTERS_KEY, horizontal=True, vertical_alignment="bottom", gap="small"):
        names = view_controls.filter_names()
        known = collector_queries.frequent_values(names, plain)
        where = tuple(
            pair
            for name in names
            for pair in view_controls.draw_filter(name, known.filter(pl.col("dimension") == name), FILTER_WIDTH)
        )
        _add_filter(names)
        if where:
            st.button("Clear", key="cs_clear", help="Clear all filters", on_click=view_controls.clear_filters)
    view_controls.remember_controls()
    collector_queries.set_current_view(DashboardView(plain.start, plain.end, plain.step, where))


def _pan_and_zoom(view: DashboardView) -> None:
    """Half a window back or on, and a window twice as long; drawing a box in a chart is the way in."""
    for key, icon, words, start, end in (
        ("cs_back", "chevron_left", "Earlier", view.start - _half(view), view.end - _half(view)),
        ("cs_on", "chevron_right", "Later", view.start + _half(view), view.end + _half(view)),
        ("cs_out", "zoom_out", "Longer range", *_widened(view)),
    ):
        move = partial(view_controls.select_range, start, end - MINUTE)
        label = escape_markdown(words)
        st.button(label, key, escape_markdown(words), move, icon=f":material/{icon}:", type="tertiary")


def _half(view: DashboardView) -> timedelta:
    return max(MINUTE, (view.end - view.start) / 2)


def _widened(view: DashboardView) -> tuple[datetime, datetime]:
    """Half as much more on either side, a year at most, and nothing that is yet to come."""
    end = min(view.end + _half(view), max(view.end, datetime.now(UTC)))
    return max(view.start - _half(view), end - MAX_WINDOW), end


def _refresh() -> None:
    """How often the page is drawn anew. What is selected is in the address, so it stays."""
    if st.query_params.get(OLD_LIVE_PARAMETER) == "true":
        st.session_state.setdefault("refresh", "10 s")
    chosen = st.selectbox(
        "Refresh",
        list(REFRESH_INTERVALS),
        key="refresh",
        bind="query-params",
        width=150,
        label_visibility="collapsed",
    )
    every = REFRESH_INTERVALS.get(chosen or "off")
    if every:
        states.rerun_every(every, when=lambda: True)


def _choose_zone(end: datetime) -> None:
    """UTC or the visitor's own zone, for every time that the page writes; it stays in the address."""
    st.segmented_control(
        "Time zone",
        [time_zone.UTC_CHOICE, time_zone.LOCAL_CHOICE],
        default=time_zone.UTC_CHOICE,
        required=True,
        key=ZONE_PARAMETER,
        bind="query-params",
        label_visibility="collapsed",
    )
    time_zone.set_zone(end)


def _freshness() -> None:
    """How far behind the collector is, in words; the moment itself under the pointer."""
    now = collector_queries.fetch_cached(IngestQuery())
    waiting = f" · {format_count(now.pending)} spans waiting" if now.pending else ""
    last = now.last_accepted_at
    words = f"Last span {relative_time(last, datetime.now(UTC))}{waiting}" if last else "No span yet"
    title = f"{time_zone.second_text(last)} {time_zone.zone_label()}" if last else ""
    st.html(html_tag("span", html_text(words), class_="cs-fresh", title=title), width="content")


def relative_time(at: datetime, now: datetime) -> str:
    """How long ago something was, in one unit.

    >>> relative_time(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 3, tzinfo=UTC))
    '3 min ago'
    """
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < JUST_NOW_S:
        return "just now"
    unit, length = next((unit, length) for unit, length, least in TIME_UNITS if seconds >= least)
    return f"{seconds // length} {unit} ago"


def _add_filter(names: list[str]) -> None:
    """Another dimension to filter by; the field for its values stands in the bar from then on."""
    more = [name for name in SHARED_DIMENSIONS if name not in names]
    with st.popover("Filter", icon=":material/add:", key="cs_more"):
        st.selectbox(
            "Filter by",
            more,
            index=None,
            key=ADD_KEY,
            format_func=lambda name: FILTER_LABELS.get(name, name.replace("_", " ").capitalize()),
            placeholder="Choose a dimension",
            on_change=_added,
        )


def _added() -> None:
    if name := st.session_state.get(ADD_KEY):
        added = st.session_state.setdefault(view_controls.ADDED_FILTERS_KEY, [])
        added.append(name)
        st.session_state[ADD_KEY] = None
