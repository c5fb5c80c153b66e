"""The same trace in the user's own tracer: a button, where `server.trace_url` says how its addresses are written."""

import os
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import streamlit as st

TRACE_URL_ENVIRONMENT = "CONTROLSURFACE_TRACE_URL"
TRACE_WINDOW = timedelta(hours=1)  # before and after a request: tracers that are told no time look through all of it


def trace_address(template: str, trace_id: str, at: datetime | None) -> str:
    """The address of a trace; its names are those of `server.trace_url`.

    >>> trace_address("https://t.example.com/trace/{trace_id}", "0a1b", None)
    'https://t.example.com/trace/0a1b'
    """
    moment = (at or datetime.now(UTC)).replace(tzinfo=UTC) if at is None or at.tzinfo is None else at
    edges = {
        "{start_ms}": str(int((moment - TRACE_WINDOW).timestamp() * 1000)),
        "{end_ms}": str(int((moment + TRACE_WINDOW).timestamp() * 1000)),
    }
    found = template.replace("{trace_id}", quote(trace_id, safe=""))
    for name, value in edges.items():
        found = found.replace(name, value)
    return found


def trace_link_button(trace_id: str, at: datetime | None) -> None:
    """Open the trace in the tracer that is configured; nothing where none is."""
    template = os.environ.get(TRACE_URL_ENVIRONMENT, "")
    if template:
        st.link_button("Open in tracer", trace_address(template, trace_id, at), icon=":material/open_in_new:")
