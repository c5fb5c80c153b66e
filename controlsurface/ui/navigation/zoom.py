"""A box drawn in a time chart becomes the window of all pages; Back, or a button, brings the former one back.

The zoom is one part of the address, so that one step of the browser's history is one zoom.
"""

from datetime import datetime
from functools import partial

import streamlit as st

from controlsurface import charts
from controlsurface.ui.elements.chart_input import SelectionBox
from controlsurface.ui.view.filters import ZOOM_PARAMETER
from controlsurface.ui.view.url_time import parse_url_time, url_minutes
from controlsurface.ui.widgets.panels import box_chart_with_callback

# in the session: the zoom that is shown, on which page, and what the last box was drawn over
ZOOM_SHOWN_KEY, PAGE_KEY, ZOOM_METRIC_KEY = "_zoom", "_page", "_zoom_metric"


def carry_zoom(page: str) -> None:
    """Keep the zoom where another page is opened; Streamlit takes what is no widget's out of the address."""
    before, shown = st.session_state.get(PAGE_KEY), st.session_state.get(ZOOM_SHOWN_KEY)
    if before not in {None, page} and shown and ZOOM_PARAMETER not in st.query_params:
        st.query_params[ZOOM_PARAMETER] = shown
    st.session_state[PAGE_KEY] = page


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
