"""What triage is about: a metric, a selection of time, and what it is held against; all of it in the address."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from controlsurface.errors import BadRequest
from controlsurface.formatting import format_time, format_time_range
from controlsurface.metrics.baseline import BASELINES, Baseline, baseline
from controlsurface.metrics.contributors import ContributorsArgs, explained
from controlsurface.metrics.metric import Metric
from controlsurface.reader.contributors import Contributors, ContributorsQuery
from controlsurface.reader.rows import frame
from controlsurface.ui import reading, zoom
from controlsurface.ui.bar import FILTERS
from controlsurface.ui.drawn import Box
from controlsurface.ui.markup import tag, text
from controlsurface.ui.moments import MINUTE, minutes, moment
from controlsurface.ui.window import View, fixed

FIRST: Baseline = "before"
USUAL = "escalation_rate"


@dataclass(frozen=True, slots=True)
class Spike:
    """A metric, the view of the selection, and that of its baseline; `drawn`: somebody chose the selection."""

    metric: Metric
    selection: View
    baseline: View
    against: str
    drawn: bool

    @property
    def asked(self) -> ContributorsArgs:
        """The question what is different."""
        return ContributorsArgs(
            metric=self.metric.id,
            start=self.selection.start,
            end=self.selection.end,
            baseline_start=self.baseline.start,
            baseline_end=self.baseline.end,
            where=self.selection.where,
        )


def spike(view: View) -> Spike:
    """Draw the choice of metric and baseline, and read the selection; without one it is the whole view."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = _metric()
        against = _against()
        chosen = _chosen()
        if chosen:
            st.button("Clear the selection", icon=":material/close:", on_click=_clear)
    start, end = chosen or (view.start, view.end)
    selection = fixed(start, end, view.where)
    before = fixed(*baseline(against, selection.start, selection.end, view.start if chosen else None), view.where)
    return Spike(metric, selection, before, BASELINES[against], chosen is not None)


def different(about: Spike) -> Contributors:
    """What is different, ranked; its SQL is shown with the panel's."""
    args = about.asked
    found = reading.ask(ContributorsQuery(args))
    rows = frame(found.rows)
    reading.note(reading.Asked(found.metric, rows, found.sql, found.parameters, found.elapsed_ms))
    return found


def select(box: Box) -> None:
    """Write a selection into the address, in one step so that Back takes it out again."""
    st.query_params.update(spiked(*box[:2]))


def _clear() -> None:
    for name in ("spike_from", "spike_to"):
        st.query_params.pop(name, None)


def spiked(start: datetime, end: datetime) -> dict[str, str]:
    """The part of an address that selects the minutes from `start` to `end`."""
    return dict(zip(("spike_from", "spike_to"), minutes(start, end), strict=True))


def zoomed() -> None:
    """Where a box was drawn: what is shown, the way back, and the way on to what is different about it."""
    shown = zoom.window()
    if shown is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(tag("span", text(f"Zoomed to {format_time_range(shown)} UTC")), width="content")
        st.button("Zoom out", icon=":material/zoom_out:", on_click=zoom.out)
        lead_to_triage(st.session_state.get(zoom.METRIC) or USUAL, *shown)


def lead_to_triage(metric: str, start: datetime, end: datetime) -> None:
    """A link to the triage of a metric between two moments, under the view of now."""
    names = (*FILTERS, "range", "from", "to")
    kept = {name: st.query_params.get_all(name) for name in names}
    address = urlencode({**kept, "metric": metric, **spiked(start, end)}, doseq=True)
    words = f"What is different from {format_time(start)} to {format_time(end)} UTC?"
    st.html(tag("a", text(words), href=f"triage?{address}", class_="cs-link"))


def _metric() -> Metric:
    """The metric to explain, chosen by its title."""
    known = {name: each for name, each in reading.catalogue().items() if _explainable(each)}
    now = _named("metric", known, USUAL)
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


def _named(part: str, known: Collection[str], usual: str) -> str:
    """What a part of the address names: bound widgets would write there what people read, and links say ids."""
    named = st.query_params.get(part, usual)
    return named if named in known else usual


def _choose(part: str, key: str) -> None:
    """Write what was chosen into the address; another address is another widget."""
    st.query_params[part] = st.session_state[key]


def _explainable(metric: Metric) -> bool:
    try:
        explained(metric)
    except BadRequest:
        return False
    return True


def _against() -> Baseline:
    now = next(name for name in BASELINES if name == _named("against", BASELINES, FIRST))
    key = f"against {now}"
    st.segmented_control(
        "Held against",
        list(BASELINES),
        default=now,
        required=True,
        format_func=lambda name: name.replace("_", " "),
        key=key,
        on_change=partial(_choose, "against", key),
    )
    return now


def _chosen() -> tuple[datetime, datetime] | None:
    """The selection that the address names; None for none and for nonsense."""
    edges = [moment(st.query_params.get(name, "")) for name in ("spike_from", "spike_to")]
    known = sorted(edge for edge in edges if edge is not None)
    return (known[0], max(known[1], known[0] + MINUTE)) if len(known) == 2 else None
