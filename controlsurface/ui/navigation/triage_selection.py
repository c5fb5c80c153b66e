"""What triage is about, all in the address: a metric, a selection of time, its baseline; and its report as a file."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.contributor_result import ContributorResult, ContributorsQuery
from controlsurface.errors import BadRequest
from controlsurface.export.incident_report import gather_incident, render_incident_report
from controlsurface.metrics.contributors.contributor_query import (
    BASELINES,
    ContributorsArgs,
    baseline_window,
    divided_measures,
)
from controlsurface.metrics.metric import Metric
from controlsurface.query.dimensions import DIMENSIONS, SHARED_DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.elements.page_links import page_link
from controlsurface.ui.navigation import view_controls
from controlsurface.ui.view import (
    MINUTE,
    DashboardView,
    absolute_view,
    format_url_time,
    parse_url_time,
    url_minutes,
)
from controlsurface.ui.widgets.panels import SelectionBox

RULE_BASELINE, RULE_BASELINE_LABEL = "rule", "the window of the alert's rule"
SELECTION_PARAMETERS, BASELINE_PARAMETERS = ("spike_from", "spike_to"), ("baseline_from", "baseline_to")
MAX_SLICE_PAIRS = 20
SLICE_PARAMETER, SPLIT_PARAMETER = "slice", "split"
DEFAULT_METRIC = "escalation_rate"


@dataclass(frozen=True, slots=True)
class TriageSelection:
    """A metric, the view of the selection, and that of its baseline; `drawn`: somebody chose the selection.

    `own_where` filters by dimensions that the metric's rows have and requests have not, such as a call's model.
    """

    metric: Metric
    selection: DashboardView
    baseline: DashboardView
    against: str
    drawn: bool
    own_where: tuple[str, ...] = ()

    def sliced(self, view: DashboardView) -> DashboardView:
        """A view of the metric's rows alone."""
        return replace(view, where=(*view.where, *self.own_where))

    def since(self, at: datetime, name: str) -> "TriageSelection":
        """The same from a change on, against the time before it."""
        selection = absolute_view(at, self.selection.end, self.selection.where)
        baseline = absolute_view(self.baseline.start, min(self.baseline.end, at), self.baseline.where)
        return replace(self, selection=selection, baseline=baseline, against=f"the time before {name}", drawn=True)

    @property
    def asked(self) -> ContributorsArgs:
        """The question what is different."""
        return ContributorsArgs(
            metric=self.metric.id,
            start=self.selection.start,
            end=self.selection.end,
            baseline_start=self.baseline.start,
            baseline_end=self.baseline.end,
            where=(*self.selection.where, *self.own_where),
        )


def choose_triage(view: DashboardView) -> TriageSelection:
    """Draw the choice of metric and baseline, and read the selection; without one it is the whole view."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = _metric()
        chosen = _url_window(SELECTION_PARAMETERS)
        given = _url_window(BASELINE_PARAMETERS) if chosen else None
        against = _against((RULE_BASELINE, *BASELINES) if given and chosen and given[1] <= chosen[0] else (*BASELINES,))
        if chosen:
            st.button("Clear the selection", icon=":material/close:", on_click=_clear)
    start, end = chosen or (view.start, view.end)
    selection, own = absolute_view(start, end, view.where), _own_where(metric)
    if given and against == RULE_BASELINE:
        return TriageSelection(metric, selection, absolute_view(*given, view.where), RULE_BASELINE_LABEL, True, own)
    name = next(each for each in BASELINES if each == against)
    before = baseline_window(name, selection.start, selection.end, view.start if chosen else None)
    baseline = absolute_view(*before, view.where)
    return TriageSelection(metric, selection, baseline, BASELINES[name], chosen is not None, own)


def _own_where(metric: Metric) -> tuple[str, ...]:
    """The filters of the address that only the metric's rows know."""
    pairs = st.query_params.get_all(SLICE_PARAMETER)[:MAX_SLICE_PAIRS]
    return tuple(
        pair for pair in pairs if pair.partition(":")[0] in {*DIMENSIONS[metric.source]} - {*SHARED_DIMENSIONS}
    )


def split_dimension(about: TriageSelection) -> str | None:
    """The dimension that the address splits the metric by; None for none and for one that its rows lack."""
    name = st.query_params.get(SPLIT_PARAMETER, "")
    return name if name in DIMENSIONS[about.metric.source] else None


def triage_contributors(about: TriageSelection) -> ContributorResult:
    """What is different, ranked; its SQL is shown with the panel's."""
    args = about.asked
    found = collector_queries.fetch_cached(ContributorsQuery(args))
    rows = as_polars(found.rows)
    collector_queries.record_query(
        collector_queries.ExecutedQuery(found.metric, rows, found.sql, found.parameters, found.elapsed_ms)
    )
    return found


def select_for_triage(box: SelectionBox) -> None:
    """Write the minutes around a box into the address, in one step so that Back takes it out again."""
    _clear()
    st.query_params.update(dict(zip(SELECTION_PARAMETERS, url_minutes(*box[:2]), strict=True)))


def _clear() -> None:
    for name in (*SELECTION_PARAMETERS, *BASELINE_PARAMETERS):
        st.query_params.pop(name, None)


def triage_parameters(start: datetime, end: datetime) -> dict[str, str]:
    """The part of an address that selects the time from `start` to `end`."""
    return dict(zip(SELECTION_PARAMETERS, map(format_url_time, (start, end)), strict=True))


def baseline_parameters(start: datetime, end: datetime) -> dict[str, str]:
    """The part of an address that compares a selection with the time from `start` to `end`."""
    return dict(zip(BASELINE_PARAMETERS, map(format_url_time, (start, end)), strict=True))


def zoom_banner() -> None:
    """Where a box was drawn: what is shown, the way back, and the way on to what is different about it."""
    shown = view_controls.zoom_window()
    if shown is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"Zoomed to {time_zone.range_text(shown)} {time_zone.zone_label()}"
        st.html(html_tag("span", html_text(words)), width="content")
        st.button("Zoom out", icon=":material/zoom_out:", on_click=view_controls.zoom_out)
        triage_link(st.session_state.get(view_controls.ZOOM_METRIC_KEY) or DEFAULT_METRIC, *shown)


def triage_link(metric: str, start: datetime, end: datetime) -> None:
    """A link to the triage of a metric between two moments, under the view of now."""
    edges = time_zone.second_text(start), time_zone.second_text(end)
    words = f"What is different from {edges[0]} to {edges[1]} {time_zone.zone_label()}?"
    st.html(page_link(words, "triage", {"metric": metric, **triage_parameters(start, end), "zoom": ""}))


def _metric() -> Metric:
    """The metric to explain, chosen by its title."""
    known = {name: each for name, each in collector_queries.fetch_catalog().items() if _explainable(each)}
    now = _url_choice("metric", known, DEFAULT_METRIC)
    key = f"metric {now}"
    st.selectbox(
        "Metric",
        list(known),
        index=list(known).index(now),
        format_func=lambda name: known[name].title,
        key=key,
        on_change=partial(_choose, "metric", key),
    )
    return known[now]


def _url_choice(part: str, known: Collection[str], usual: str) -> str:
    """What a part of the address names: bound widgets would write there what people read, and links say ids."""
    named = st.query_params.get(part, usual)
    return named if named in known else usual


def _choose(part: str, key: str) -> None:
    """Write what was chosen into the address; another address is another widget."""
    st.query_params[part] = st.session_state[key]


def _explainable(metric: Metric) -> bool:
    try:
        divided_measures(metric)
    except BadRequest:
        return False
    return True


def _against(names: Sequence[str]) -> str:
    """The comparison, one of `names`; the first, or the one that the address names."""
    now = _url_choice("against", names, names[0])
    key = f"against {now}"
    st.segmented_control(
        "Compare to",
        names,
        default=now,
        required=True,
        format_func=lambda name: name.replace("_", " "),
        key=key,
        on_change=partial(_choose, "against", key),
    )
    return now


def _url_window(names: tuple[str, str]) -> tuple[datetime, datetime] | None:
    """The window whose edges the address names; None for none and for nonsense."""
    edges = [parse_url_time(st.query_params.get(name, "")) for name in names]
    known = sorted(edge for edge in edges if edge is not None)
    return (known[0], max(known[1], known[0] + MINUTE)) if len(known) == 2 else None


def incident_report_button(about: TriageSelection) -> None:
    """The report of what the page shows; it is made when it is asked for."""
    link = st.context.url or ""

    def made() -> str:
        return render_incident_report(
            gather_incident(collector_queries.collector_client(), about.asked, about.against), link
        )

    name = f"{about.metric.id}-{about.selection.start:%Y-%m-%dT%H%M}.html"
    st.download_button("Incident report", made, name, "text/html", icon=":material/download:", on_click="ignore")
