"""Time range, filters, zoom and tabs: the controls of the view, all in the address, so that a link reproduces it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import time_zone
from controlsurface.ui.view import (
    FILTER_LABELS,
    MINUTE,
    TIME_RANGES,
    UNKNOWN_VALUE_LABEL,
    ZOOM_PARAMETER,
    DashboardView,
    absolute_view,
    floor_to_step,
    format_url_time,
    parse_url_time,
    relative_view,
    url_minutes,
)
from controlsurface.ui.widgets.panels import SelectionBox, box_chart_with_callback

TAB_PARAMETER = "part"
CONTROLS_KEY = "_controls"  # in the session: what the controls of the view said when the whole page was last drawn


def choose_tab(names: Sequence[str]) -> str:
    """Draw the choice; the part that is chosen, the first where an address names none of them."""
    chosen = st.segmented_control(
        "Part",
        list(names),
        default=names[0],
        required=True,
        key=TAB_PARAMETER,
        bind="query-params",
        label_visibility="collapsed",
    )
    remember_controls()
    return chosen if chosen in names else names[0]


def rerun_if_view_changed() -> None:
    """Draw the whole page, in a fragment that runs alone though a control outside it was moved in the same moment."""
    if st.session_state.get(CONTROLS_KEY) != _controls():
        st.rerun()


def _controls() -> dict[str, Any]:
    return {name: st.session_state.get(name) for name in ("range", "from", "to", TAB_PARAMETER, *filter_names())}


def remember_controls() -> None:
    """Let `rerun_if_view_changed` know what the controls say."""
    st.session_state[CONTROLS_KEY] = _controls()


# in the session: the zoom that is shown, and what the last box was drawn over
ZOOM_SHOWN_KEY, ZOOM_METRIC_KEY = "_zoom", "_zoom_metric"


def zoom_window() -> tuple[datetime, datetime] | None:
    """The two moments in the address; None for none and for nonsense."""
    start, _, end = st.query_params.get(ZOOM_PARAMETER, "").partition("/")
    edges = sorted(edge for edge in map(parse_url_time, (start, end)) if edge is not None)
    found = (edges[0], edges[1]) if len(edges) == 2 and edges[0] < edges[1] else None
    st.session_state[ZOOM_SHOWN_KEY] = st.query_params.get(ZOOM_PARAMETER)
    return found


def zoom_out() -> None:
    """Take the zoom out of the address."""
    st.query_params.pop(ZOOM_PARAMETER, None)


def zoomable_chart(figure: charts.ChartFigure, name: str, alt: str, metric: str = "") -> None:
    """A time chart; a box drawn in it is what all charts show from then on. `name` is its own on the page.

    `metric` is what triage is asked about where the box leads there.
    """
    key = (
        f"{name} {st.session_state[ZOOM_SHOWN_KEY]}"  # another window is another chart, without the box that led to it
    )
    box_chart_with_callback(figure, key, alt, partial(_into, metric))
    if st.query_params.get(ZOOM_PARAMETER) != st.session_state[ZOOM_SHOWN_KEY]:
        st.rerun()  # drawn in a fragment, which alone would be drawn anew


def _into(metric: str, box: SelectionBox) -> None:
    """Write a box into the address."""
    st.session_state[ZOOM_METRIC_KEY] = metric
    start, end = url_minutes(*box[:2])
    st.query_params[ZOOM_PARAMETER] = f"{start}/{end}"


NOW_KEY = "_now"  # in the session: the moment of this run
DEFAULT_RANGE, CUSTOM_RANGE = "24h", "custom"
MAX_FILTER_VALUE_CHARS = 200  # characters of a value; longer ones are no names


ADDED_FILTERS_KEY = "_added_filters"  # in the session: dimensions that were added to the bar


def draw_time_range() -> DashboardView:
    """Draw the choice of the time range; the view that it shows, without filters."""
    return _window(_now())


def _now() -> datetime:
    """This moment; that of the last answers while the collector is silent, so that the page asks what it asked then."""
    now = datetime.now(UTC)
    found: datetime = (
        st.session_state.get(collector_queries.ANSWERED_KEY, now) if collector_queries.is_collector_silent() else now
    )
    st.session_state[NOW_KEY] = found
    return found


def remember_now() -> None:
    """The run that ends here was answered: its moment is that of the last answers."""
    st.session_state[collector_queries.ANSWERED_KEY] = st.session_state[NOW_KEY]


def _window(now: datetime) -> DashboardView:
    """The zoom if there is one; else a running range, or two moments for `custom_range_parameters`.

    Another range ends a zoom.
    """
    name = st.segmented_control(
        "Time range",
        [*TIME_RANGES, CUSTOM_RANGE],
        default=DEFAULT_RANGE,
        required=True,
        key="range",
        bind="query-params",
        label_visibility="collapsed",
        on_change=_leave_window,
    )
    zoomed = zoom_window()
    if zoomed:
        return absolute_view(*zoomed)
    if name in TIME_RANGES:
        return relative_view(name, now)
    if name != CUSTOM_RANGE:
        return relative_view(DEFAULT_RANGE, now)  # an address may leave the range empty
    hour = floor_to_step(now, timedelta(hours=1))
    return _draw_edges(hour - timedelta(hours=24), hour)


def _leave_window() -> None:
    """Take out of the address what belongs to the window of before."""
    for name in ("from", "to", ZOOM_PARAMETER):
        st.query_params.pop(name, None)


def _draw_edges(start: datetime, end: datetime) -> DashboardView:
    """Fields for the two moments of the address, in the zone of the page; these two where it names none."""
    edges = {name: parse_url_time(st.query_params.get(name, "")) or at for name, at in (("from", start), ("to", end))}
    view = absolute_view(edges["from"], edges["to"])
    time_zone.set_zone(view.end)
    for name, at in edges.items():
        st.session_state[name] = time_zone.display_time(at).replace(tzinfo=None)
        label = f"{name.capitalize()} ({time_zone.zone_label()})"
        write = partial(_write_edge, name, time_zone.display_zone())
        st.datetime_input(label, key=name, on_change=write, step=60, width=200)
    return view


def _write_edge(name: str, zone: timezone) -> None:
    """What a field says goes into the address, which is in UTC, so that a link means the same in any zone."""
    st.query_params[name] = format_url_time(st.session_state[name].replace(tzinfo=zone))


def select_range(start: datetime, end: datetime) -> None:
    """Show the minutes from `start` to `end`; for a callback, before the controls are drawn."""
    st.session_state["range"] = CUSTOM_RANGE
    st.query_params.update(dict(zip(("from", "to"), url_minutes(start, end + MINUTE), strict=True)))
    zoom_out()


def clear_filters() -> None:
    """Show rows of any value; for a callback."""
    st.session_state.update({name: [] for name in filter_names()})


def custom_range_parameters(start: datetime, end: datetime) -> dict[str, str]:
    """The part of an address that shows the minutes from `start` to `end`."""
    minute = timedelta(minutes=1)
    edges = {"from": floor_to_step(start, minute), "to": floor_to_step(end, minute) + minute}
    return {"range": CUSTOM_RANGE} | {name: f"{edge:%Y-%m-%dT%H:%M}" for name, edge in edges.items()}


def filter_names() -> list[str]:
    """The dimensions that pages filter by: the usual ones, and others that were added or that the address names."""
    added = st.session_state.get(ADDED_FILTERS_KEY, ())
    others = (name for name in SHARED_DIMENSIONS if name not in FILTER_LABELS)
    return [*FILTER_LABELS, *(name for name in others if name in added or st.query_params.get_all(name))]


def draw_filter(name: str, known: pl.DataFrame, width: int) -> list[str]:
    """The chosen values of a dimension as `dimension:value`; none are all."""
    chosen = st.multiselect(
        FILTER_LABELS.get(name, name.replace("_", " ").capitalize()),
        [UNKNOWN_VALUE_LABEL if value is None else value for value in known["value"]],
        key=name,
        bind="query-params",
        placeholder="all",
        width=width,
        accept_new_options=True,  # a link may name a value that this window lacks, a list of thousands is cut
        max_selections=20,
    )
    return [f"{name}:{'' if value == UNKNOWN_VALUE_LABEL else value[:MAX_FILTER_VALUE_CHARS]}" for value in chosen]
