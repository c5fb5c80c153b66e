"""Router confidence against time, with its thresholds; a box leads to the requests inside and to what is different."""

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.metric_series import event_marks
from controlsurface.ui.data_quality.fact_coverage import missing_facts_html
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, palette
from controlsurface.ui.navigation.triage_selection import triage_link
from controlsurface.ui.reports.region_differences import region_differences
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.panels import box_chart, panel

COLUMN_ROWS_FACTOR = 5  # a column may rest on as many times fewer requests as a point of a line
DEFAULT_CONFIDENCE_KIND = "probability"


@st.fragment(parallel=True)
def confidence_panel(view: DashboardView) -> None:
    """Draw the heatmap of this view in a panel; a box drawn in it draws only this anew."""
    with panel("Router confidence", "dashed: the thresholds it was held against; drag to explain a selection"):
        kinds = confidence_kinds(view)
        kind = _chosen_kind(kinds)
        if kind is not None:
            _heatmap(view.only("confidence_kind", kind), kind)
            return
        states.empty_state(
            "No confidence in this window",
            "The router's spans carry none that a vocabulary reads.",
            missing_facts_html("confidence", "confidence_kind", "threshold"),
        )


def confidence_kinds(view: DashboardView) -> list[str]:
    """The kinds of confidence that requests of this view have, probabilities first, then the most frequent."""
    rows = collector_queries.query_metric("requests", by=["confidence_kind"], within=view).drop_nulls("confidence_kind")
    ranked = rows.sort(pl.col("confidence_kind") != DEFAULT_CONFIDENCE_KIND, -pl.col("n"), "confidence_kind")
    return list(ranked["confidence_kind"])


def confidence_note(view: DashboardView) -> str:
    """What a figure of probabilities says nothing about: the other kinds of confidence in this view."""
    kinds = confidence_kinds(view)
    if not kinds or kinds == [DEFAULT_CONFIDENCE_KIND]:
        return ""
    others = ", ".join(kind for kind in kinds if kind != DEFAULT_CONFIDENCE_KIND)
    return (
        f"{DEFAULT_CONFIDENCE_KIND} only"
        if DEFAULT_CONFIDENCE_KIND in kinds
        else f"no {DEFAULT_CONFIDENCE_KIND}; {others}: see Routing"
    )


def _chosen_kind(kinds: list[str]) -> str | None:
    """One of the kinds: each has a scale of its own. None where there are none."""
    if len(kinds) < 2:
        return kinds[0] if kinds else None
    chosen = st.segmented_control(
        "Kind of confidence",
        kinds,
        default=kinds[0],
        required=True,
        key="confidence_kind_shown",
        format_func=escape_markdown,
    )
    return chosen if chosen in kinds else kinds[0]


def _heatmap(view: DashboardView, kind: str) -> None:
    """The heatmap of one kind, and under a box drawn in it where that leads."""
    rows = collector_queries.query_metric("requests", by=["lane"], within=view)["n"].sum()
    view = view.coarsened_for(int(rows) * COLUMN_ROWS_FACTOR)
    bins = collector_queries.query_distribution("confidence", every=view.step, within=view)
    if bins.is_empty():
        states.empty_state(
            "No confidence on its scale", f"Values that lie outside the scale of a {kind} are in no chart."
        )
        return
    if kind != DEFAULT_CONFIDENCE_KIND:
        st.caption(f"The confidence is a {escape_markdown(kind)}{': lower is surer' if kind == 'entropy' else ''}.")
    thresholds = collector_queries.query_metric("threshold", by=["task_type"], every=view.step, within=view)
    figure = charts.confidence_heatmap(bins, thresholds, view.span, palette(), events=event_marks())
    drawn = box_chart(
        figure, "confidence", alt=f"Requests by router confidence ({kind}) over time, with the thresholds"
    )
    if drawn:
        region_differences(view, "confidence", drawn)
        triage_link("confidence_below_threshold", *drawn[:2])
