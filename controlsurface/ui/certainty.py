"""Router confidence against time, with its thresholds; a box leads to the requests inside and to what is different."""

import streamlit as st

from controlsurface import charts
from controlsurface.ui import reading, states
from controlsurface.ui.changes import events
from controlsurface.ui.filled import to_fill
from controlsurface.ui.finding import lead_to_requests
from controlsurface.ui.markup import palette
from controlsurface.ui.panels import box, panel
from controlsurface.ui.selection import lead_to_triage
from controlsurface.ui.window import View

CELLS = 5  # a column may rest on as many times fewer requests as a point of a line


@st.fragment(parallel=True)
def confidence(view: View) -> None:
    """Draw the heatmap of this view in a panel; a box drawn in it draws only this anew."""
    with panel("Router confidence", "dashed: the thresholds it was held against; draw a box to ask about it"):
        _heatmap(view)


def _heatmap(view: View) -> None:
    """The heatmap, and under a box drawn in it where that leads."""
    rows = reading.query("requests", by=["lane"], within=view)["n"].sum()
    view = view.resting_on(int(rows) * CELLS)
    bins = reading.distribution("confidence", every=view.step)
    if bins.is_empty():
        states.state(
            "No confidence in this window",
            "The router's spans carry none that a vocabulary reads.",
            to_fill("confidence", "confidence_kind", "threshold"),
        )
        return
    thresholds = reading.query("threshold", by=["task_type"], every=view.step)
    figure = charts.heatmap(bins, thresholds, view.span, palette(), events=events())
    drawn = box(figure, "confidence", alt="Requests by router confidence over time, with the thresholds")
    if drawn:
        start, end, low, high = drawn
        lead_to_requests(start, end, confidence_min=round(low, 2), confidence_max=round(high, 2))
        lead_to_triage("confidence_below_threshold", start, end)
