"""The state of a window without requests: where they lie, as a button that goes there, and how to send some."""

import os
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.store_statistics import ExtentQuery, extent_text
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text
from controlsurface.ui.navigation import view_controls
from controlsurface.ui.view import REFRESH_INTERVAL

OTLP_ENVIRONMENT = "CONTROLSURFACE_OTLP"
DEFAULT_OTLP_ADDRESS = "http://HOST:4318"


def no_requests_state(title: str = "No requests in this window") -> NoReturn:
    """Ends the run; the page looks again every REFRESH_INTERVAL."""
    extent = as_dicts(collector_queries.run_now(ExtentQuery()).rows)[0]
    found = extent_text(extent)
    address = os.environ.get(OTLP_ENVIRONMENT, DEFAULT_OTLP_ADDRESS)
    states.empty_state(
        title,
        html_text(f"{found[:1].upper()}{found[1:]}."),
        "Nothing was ever sent? Point a router's OTLP exporter at this collector, "
        f"{html_tag('code', html_text(f'OTEL_EXPORTER_OTLP_ENDPOINT={address}'))}, or look at simulated traffic with "
        f"{html_tag('code', html_text(f'controlsurface demo --endpoint {address}'))}. This page looks again by itself.",
    )
    if extent["requests"]:
        _way_out(extent)
    states.rerun_every(REFRESH_INTERVAL, when=lambda: True)
    st.stop()


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
