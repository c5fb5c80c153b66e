"""Router confidence against time, with its thresholds; a box leads to the requests inside and to what is different."""

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.ui import reading, states
from controlsurface.ui.changes import events
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.filled import to_fill
from controlsurface.ui.finding import lead_to_requests
from controlsurface.ui.markup import palette
from controlsurface.ui.panels import box, panel
from controlsurface.ui.selection import lead_to_triage
from controlsurface.ui.window import View

CELLS = 5  # a column may rest on as many times fewer requests as a point of a line
USUAL = "probability"


@st.fragment(parallel=True)
def confidence(view: View) -> None:
    """Draw the heatmap of this view in a panel; a box drawn in it draws only this anew."""
    with panel("Router confidence", "dashed: the thresholds it was held against; draw a box to ask about it"):
        kinds = kinds_of_confidence(view)
        kind = _chosen(kinds)
        if kind is not None:
            _heatmap(view.only("confidence_kind", kind), kind)
            return
        states.state(
            "No confidence in this window",
            "The router's spans carry none that a vocabulary reads.",
            to_fill("confidence", "confidence_kind", "threshold"),
        )


def kinds_of_confidence(view: View) -> list[str]:
    """The kinds of confidence that requests of this view have, probabilities first, then the most frequent."""
    rows = reading.query("requests", by=["confidence_kind"], within=view).drop_nulls("confidence_kind")
    ranked = rows.sort(pl.col("confidence_kind") != USUAL, -pl.col("n"), "confidence_kind")
    return list(ranked["confidence_kind"])


def note_of_confidence(view: View) -> str:
    """What a figure of probabilities says nothing about: the other kinds of confidence in this view."""
    kinds = kinds_of_confidence(view)
    if not kinds or kinds == [USUAL]:
        return ""
    others = ", ".join(kind for kind in kinds if kind != USUAL)
    return f"{USUAL} only" if USUAL in kinds else f"no {USUAL}; {others}: see Routing"


def _chosen(kinds: list[str]) -> str | None:
    """One of the kinds: each has a scale of its own. None where there are none."""
    if len(kinds) < 2:
        return kinds[0] if kinds else None
    chosen = st.segmented_control(
        "Kind of confidence",
        kinds,
        default=kinds[0],
        required=True,
        key="confidence_kind_shown",
        format_func=plain,
    )
    return chosen if chosen in kinds else kinds[0]


def _heatmap(view: View, kind: str) -> None:
    """The heatmap of one kind, and under a box drawn in it where that leads."""
    rows = reading.query("requests", by=["lane"], within=view)["n"].sum()
    view = view.resting_on(int(rows) * CELLS)
    bins = reading.distribution("confidence", every=view.step, within=view)
    if bins.is_empty():
        states.state("No confidence on its scale", f"Values that lie outside the scale of a {kind} are in no chart.")
        return
    if kind != USUAL:
        st.caption(f"The confidence is a {plain(kind)}{': lower is surer' if kind == 'entropy' else ''}.")
    thresholds = reading.query("threshold", by=["task_type"], every=view.step, within=view)
    figure = charts.heatmap(bins, thresholds, view.span, palette(), events=events())
    drawn = box(figure, "confidence", alt=f"Requests by router confidence ({kind}) over time, with the thresholds")
    if drawn:
        start, end, low, high = drawn
        bounds = {"confidence_min": round(low, 2), "confidence_max": round(high, 2)}
        lead_to_requests(start, end, **{name: bound for name, bound in bounds.items() if bound >= 0})
        lead_to_triage("confidence_below_threshold", start, end)
