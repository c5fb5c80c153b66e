"""Links from page to page: under the time range and filters of now, unless they say others."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.view import TIME_PARAMETERS, ZONE_PARAMETER, ZOOM_PARAMETER

Parameters = Mapping[str, object]
SHARED_PARAMETERS = (
    *TIME_PARAMETERS,
    ZONE_PARAMETER,
    "refresh",
    *SHARED_DIMENSIONS,
)  # of an address: what every page keeps


def page_url(page: str, more: Parameters | Sequence[tuple[str, object]] = ()) -> str:
    """The address of a page with what the address of now says of time and filters, and `more`, which goes first.

    A range of its own says too that there is no zoom: another page would keep the one of now.
    """
    given = [*(more.items() if isinstance(more, Mapping) else more)]
    named = {name for name, _ in given}
    if "range" in named:
        given, named = [*given, (ZOOM_PARAMETER, "")], named | {*TIME_PARAMETERS}
    names = (name for name in SHARED_PARAMETERS if name not in named)
    query = urlencode([*((name, st.query_params.get_all(name)) for name in names), *given], doseq=True)
    return f"{page}?{query}" if query else page


def page_link(words: str, page: str, more: Parameters | Sequence[tuple[str, object]] = ()) -> str:
    """The same as a link with these words."""
    return html_tag("a", html_text(words), href=page_url(page, more), class_="cs-link")
