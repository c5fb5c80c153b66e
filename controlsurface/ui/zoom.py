"""A box drawn in a time chart becomes the window of all pages; Back, or a button, brings the former one back.

The zoom is one part of the address, so that one step of the browser's history is one zoom.
"""

from datetime import datetime
from functools import partial

import streamlit as st

from controlsurface import charts
from controlsurface.ui.drawn import Box
from controlsurface.ui.moments import minutes, moment
from controlsurface.ui.panels import on_box

NAME = "zoom"
# in the session: the zoom that is shown, on which page, and what the last box was drawn over
SHOWN, PAGE, METRIC = "_zoom", "_page", "_zoom_metric"


def carry(page: str) -> None:
    """Keep the zoom where another page is opened; Streamlit takes what is no widget's out of the address."""
    before, shown = st.session_state.get(PAGE), st.session_state.get(SHOWN)
    if before not in {None, page} and shown and NAME not in st.query_params:
        st.query_params[NAME] = shown
    st.session_state[PAGE] = page


def window() -> tuple[datetime, datetime] | None:
    """The two moments in the address; None for none and for nonsense."""
    start, _, end = st.query_params.get(NAME, "").partition("/")
    edges = sorted(edge for edge in map(moment, (start, end)) if edge is not None)
    found = (edges[0], edges[1]) if len(edges) == 2 and edges[0] < edges[1] else None
    st.session_state[SHOWN] = st.query_params.get(NAME)
    return found


def out() -> None:
    """Take the zoom out of the address."""
    st.query_params.pop(NAME, None)


def over_time(figure: charts.Figure, name: str, alt: str, metric: str = "") -> None:
    """A time chart; a box drawn in it is what all charts show from then on. `name` is its own on the page.

    `metric` is what triage is asked about where the box leads there.
    """
    key = f"{name} {st.session_state[SHOWN]}"  # another window is another chart, without the box that led to it
    on_box(figure, key, alt, partial(_into, metric))
    if st.query_params.get(NAME) != st.session_state[SHOWN]:
        st.rerun()  # drawn in a fragment, which alone would be drawn anew


def _into(metric: str, box: Box) -> None:
    """Write a box into the address."""
    st.session_state[METRIC] = metric
    start, end = minutes(*box[:2])
    st.query_params[NAME] = f"{start}/{end}"
