"""The state of a window without requests: where they lie, as a button that goes there, and how to send some."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn

import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.store_statistics import ExtentQuery, extent_text
from controlsurface.demo.loading_progress import loading_percent
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states, time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text
from controlsurface.ui.navigation import connect, view_controls
from controlsurface.ui.view import REFRESH_INTERVAL

OTLP_ENVIRONMENT = "CONTROLSURFACE_OTLP"
DEFAULT_OTLP_ADDRESS = "http://HOST:4318"
LOADING_TEXT = "Loading demo history"
LOADING_INTERVAL = timedelta(seconds=4)  # between two looks at a history that comes


def no_requests_state(title: str = "No requests in this window") -> NoReturn:
    """Ends the run; the page looks again every REFRESH_INTERVAL."""
    extent = as_dicts(collector_queries.run_now(ExtentQuery()).rows)[0]
    if extent["requests"]:
        extent |= {name: time_zone.display_time(extent[name]) for name in ("first", "last")}
        states.empty_state(title, html_text(f"{extent_text(extent).capitalize()}."))
        _way_out(extent)
    elif (percent := loading_percent()) is not None:
        words = f"{LOADING_TEXT} {percent} %. The newest hour comes first; this page fills by itself."
        states.empty_state("The demo begins", html_text(words))
    else:
        connect.connect_panel(os.environ.get(OTLP_ENVIRONMENT, DEFAULT_OTLP_ADDRESS))
    states.rerun_every(REFRESH_INTERVAL, when=lambda: True)
    st.stop()


def demo_loading_note() -> None:
    """How much of the demo's history is there, in a corner, while it comes; the page is drawn anew meanwhile."""
    percent = loading_percent()
    if percent is None:
        return
    bar = html_tag("i", style=f"width:{percent}%")
    words = html_text(f"{LOADING_TEXT} {percent} %")
    st.html(html_tag("div", words, html_tag("span", bar), class_="cs-loading", role="status"))
    states.rerun_every(LOADING_INTERVAL, when=lambda: True)


def _way_out(extent: Mapping[str, Any]) -> None:
    """A button for what keeps the requests from being shown: the filters, or the window."""
    view, first, last = collector_queries.current_view(), extent["first"], extent["last"]
    if view.where and first < view.end and last >= view.start:
        st.button("Clear the filters", icon=":material/filter_alt_off:", on_click=view_controls.clear_filters)
        return
    days = f"{first:%b %d}" if first.date() == last.date() else f"{first:%b %d} to {last:%b %d}"
    label = escape_markdown(f"{extent['requests']:,} requests, {days}: show")
    st.button(label, icon=":material/history:", key="show requests", on_click=partial(_show, first, last))


def _show(first: datetime, last: datetime) -> None:
    """Select the whole time of the requests, without filters."""
    view_controls.clear_filters()
    view_controls.select_range(first, last)
