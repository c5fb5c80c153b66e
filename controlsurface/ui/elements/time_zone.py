"""The time zone that pages write times in: UTC or the visitor's own, one offset for all that a page shows.

The offset is that of the window's end. A window may hold a change of the clocks; an axis with an hour twice, or with
one missing, would read worse than one that goes on in the offset that its label names.
"""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from controlsurface.charts import ChartFigure, shift_time_axis
from controlsurface.formatting import format_time, format_time_range
from controlsurface.ui.view import ZONE_PARAMETER

UTC_CHOICE, LOCAL_CHOICE = "UTC", "Local"  # as the address has them
OFFSET_KEY = "_utc_offset"  # in the session


def set_zone(end: datetime) -> None:
    """What is chosen holds from here on, with the offset at `end` of the window.

    The control may not be drawn yet: then its value is in the address.
    """
    local = st.session_state.get(ZONE_PARAMETER, st.query_params.get(ZONE_PARAMETER)) == LOCAL_CHOICE
    st.session_state[OFFSET_KEY] = utc_offset(st.context.timezone, end) if local else timedelta()


def utc_offset(zone: str | None, at: datetime) -> timedelta:
    """How far a zone's clocks are ahead of UTC at a moment; nothing for a zone that is not known here.

    >>> utc_offset("Europe/Berlin", datetime(2026, 7, 1, tzinfo=UTC)), utc_offset("Nowhere/Land", datetime.now(UTC))
    (datetime.timedelta(seconds=7200), datetime.timedelta(0))
    """
    try:
        return at.astimezone(ZoneInfo(zone or "UTC")).utcoffset() or timedelta()
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the browser names it
        return timedelta()


def display_zone() -> timezone:
    """The zone of this page; UTC outside of one."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return UTC
    offset: timedelta = st.session_state.get(OFFSET_KEY, timedelta())
    return timezone(offset) if offset else UTC


def zone_label() -> str:
    """`UTC`, or `UTC+05:30`."""
    return str(display_zone())


def display_time(at: datetime) -> datetime:
    """The moment as this page's clock shows it."""
    return at.astimezone(display_zone())


def minute_text(at: datetime) -> str:
    """A moment to the minute, with its zone.

    >>> minute_text(datetime(2026, 11, 30, 20, 26, tzinfo=UTC))
    'Nov 30 20:26 UTC'
    """
    return f"{display_time(at):%b %d %H:%M} {zone_label()}"


def second_text(at: datetime) -> str:
    """A moment to the second, without its zone: for what names it."""
    return format_time(display_time(at))


def range_text(edges: tuple[datetime, datetime]) -> str:
    """From when to when, to the minute, without the zone."""
    return format_time_range((display_time(edges[0]), display_time(edges[1])))


def in_display_zone(figure: ChartFigure) -> ChartFigure:
    """The figure with a time axis in the zone of this page."""
    return shift_time_axis(figure, display_zone().utcoffset(None), zone_label())


def from_axis(text: object, zone: timezone | None = None) -> datetime:
    """The moment that a place on such an axis stands for, in the zone of this page or another one."""
    return datetime.fromisoformat(str(text)).replace(tzinfo=zone or display_zone()).astimezone(UTC)
