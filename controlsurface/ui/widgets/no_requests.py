"""What a page shows of a window without requests: where the requests lie, and what to do about it."""

from typing import NoReturn

import streamlit as st

from controlsurface.client.arrow_rows import as_dicts
from controlsurface.client.queries.stored_extent import ExtentQuery, extent_text
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import html_tag, html_text


def no_requests_state(title: str = "No requests in this window") -> NoReturn:
    """The state of an empty window, with the three usual ways out; ends the run."""
    states.empty_state(
        title,
        html_text(_where_requests_are()),
        "Choose a longer time range or fewer filters on the left.",
        "Nothing was ever sent? Point a router's OTLP exporter at this collector, "
        f"{html_tag('code', 'OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318')}, or look at simulated traffic with "
        f"{html_tag('code', 'controlsurface demo')}.",
    )
    st.stop()


def _where_requests_are() -> str:
    """When the stored requests began, as a sentence."""
    found = collector_queries.run_or_show_error(
        lambda: extent_text(as_dicts(collector_queries.collector_client().run(ExtentQuery()).rows)[0])
    )
    return f"{found[:1].upper()}{found[1:]}."
