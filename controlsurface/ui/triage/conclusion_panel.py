"""What triage concludes, drawn: one sentence, the change nearby, and what to do."""

import streamlit as st

from controlsurface.client.queries.contributor_result import ContributorResult
from controlsurface.metrics.queries.metric_query import find_metric
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.metric_series import list_change_events
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.elements.page_links import page_link
from controlsurface.ui.navigation.triage_selection import TriageSelection, triage_contributors
from controlsurface.ui.triage.alert_header import Row
from controlsurface.ui.triage.conclusion_text import (
    Comparison,
    change_sentence,
    evidence_notes,
    headline,
    slice_words,
)
from controlsurface.ui.triage.nearby_change import CoursePoint, NearbyChange, nearby_change
from controlsurface.ui.triage.next_steps import NextStep, next_steps
from controlsurface.ui.triage.triage_links import since_link
from controlsurface.ui.view import MIN_SHARE_ROWS, MINUTE, DashboardView

Conclusion = tuple[TriageSelection, Comparison]


def conclude(about: TriageSelection, view: DashboardView, alert: Row | None) -> Conclusion:
    """What is compared in the end, and what follows from it.

    Of an alert, or of a view in which nobody chose a selection, it is the time since the change at which the metric
    stepped, against the time before it: windows that a rule happens to look at mix both.
    """
    found = triage_contributors(about)
    change = _change(about, view, found)
    movable = alert is not None or not about.drawn
    if (
        change
        and change.stepped
        and movable
        and about.baseline.start + MINUTE < change.at < about.selection.end - MINUTE
    ):
        since = about.since(change.at, change.name)
        again = triage_contributors(since)
        if min(again.n, again.n_before) >= MIN_SHARE_ROWS:
            return since, _comparison(since, again, change, since_change=True)
    return about, _comparison(about, found, change, since_change=False)


def _comparison(
    about: TriageSelection, found: ContributorResult, change: NearbyChange | None, *, since_change: bool
) -> Comparison:
    where = slice_words((*about.selection.where, *about.own_where))
    window = (about.selection.start, about.selection.end)
    return Comparison(about.metric, where, window, found, change, since_change)


def _change(about: TriageSelection, view: DashboardView, found: ContributorResult) -> NearbyChange | None:
    """The change nearby, by the course of the leading values, where their rows have that dimension."""
    focus = about.sliced(view)
    for cause in found.leading[:1]:
        focus = focus.only(cause["dimension"], *cause["values"])
    steps = focus.coarsened_for(found.n + found.n_before)
    rows = collector_queries.query_metric(about.metric.id, every=steps.step, within=focus)
    weighed = find_metric(about.metric.id).kind != "sum"
    points: list[CoursePoint] = [
        (row["bucket"], float(row["value"]), float(row["n"]) if weighed else 1.0)
        for row in rows.to_dicts()
        if row["value"] is not None
    ]
    return nearby_change(list_change_events(view).to_dicts(), points, about.selection.start, steps.step)


def conclusion_panel(about: TriageSelection, concluded: Comparison, alert: Row | None) -> None:
    """Draw it."""
    kind = alert["kind"] if alert else ""
    rule = str(alert["rule"]) if alert else ""
    steps = next_steps(concluded, rule, drift=kind == "drift")
    lines = [
        html_tag("p", html_text(headline(concluded)), class_="cs-headline"),
        html_tag("p", html_tag("b", "Change"), f" {html_text(change_sentence(concluded))}{_since(about, concluded)}"),
        *(
            html_tag("p", html_tag("b", "Next" if place == 0 else "Then"), f" {html_text(each.words)} ", _link(each))
            for place, each in enumerate(steps)
        ),
        html_tag("p", html_text(" ".join(evidence_notes(concluded))), class_="cs-quiet"),
    ]
    st.html(html_tag("section", *lines, class_="cs-conclusion", aria_label="Conclusion"))


def _link(step: NextStep) -> str:
    return page_link(step.link, step.page, step.parameters) if step.link else ""


def _since(about: TriageSelection, concluded: Comparison) -> str:
    """The way to the comparison before and after the change, where another one was chosen."""
    change = concluded.change
    if change is None or concluded.since_change or not about.baseline.start < change.at < about.selection.end:
        return ""
    return f" {since_link(about.since(change.at, change.name), 'Compare before and after it')}"
