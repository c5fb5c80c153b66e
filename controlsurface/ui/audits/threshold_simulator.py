"""Another threshold: what it would do to escalation, cost, latency and quality, and how well that is known."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.audit import what_if_query
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.lane_queries import LanesQuery
from controlsurface.errors import NotFound
from controlsurface.formatting import (
    format_change,
    format_confidence,
    format_count,
    format_difference,
    format_interval,
    format_ratio,
    format_value,
)
from controlsurface.ui.audits.audit_panels import describe_basis
from controlsurface.ui.audits.threshold_address import read_thresholds, write_thresholds
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data_quality.fact_coverage import missing_facts_html
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text, palette
from controlsurface.ui.view import DashboardView, floor_to_step
from controlsurface.ui.widgets.data_table import data_table
from controlsurface.ui.widgets.panels import chart

THRESHOLD_STEP = 0.01
WINDOW_EDGE_STEP = collector_queries.SLOW_ANSWER_TTL
THRESHOLD_GRID = f"0:1:{THRESHOLD_STEP}"
ALL_TASK_TYPES = "all task types"
TASK_KEY, CHOSEN_THRESHOLDS_KEY, LANES_KEY = "task", "_chosen thresholds", "between"
SLIDER_KEY = "threshold {}"
ANY_LANES_LABEL, LANE_SEPARATOR = "all, by escalation", " → "
FIGURE_LABELS = {
    "escalation_rate": "Escalated",
    "quality": "Quality",
    "cost_usd": "Cost a request",
    "latency_ms": "Latency",
}
FIGURE_UNITS = {"escalation_rate": "ratio", "quality": "ratio", "cost_usd": "usd", "latency_ms": "ms"}
BETTER_DIRECTIONS = {"escalation_rate": "lower", "quality": "higher", "cost_usd": "lower", "latency_ms": "lower"}
SWEEP_COLUMNS = tuple(
    "threshold escalation_rate quality quality_low quality_high quality_n cost_usd latency_ms".split()
)

SWEEP_LABELS = FIGURE_LABELS | {"quality_low": "from", "quality_high": "to", "quality_n": "Sample size"}
NOTABLE_QUALITY_LOSS = 0.001  # loss of quality from one step to the next that is worth a word
STEPS_PER_ROW = 5  # steps of the slider in one line of the table

Row = Mapping[str, Any]


def fetch_threshold_sweep(view: DashboardView) -> tuple[pl.DataFrame, Mapping[str | None, Row]] | None:
    """Figures of every slice at every threshold, and facts by slice; None where no request has a confidence."""
    args = sweep_arguments(view)
    try:
        found = collector_queries.fetch_slow_cached(what_if_query.WhatIfQuery(args))
    except NotFound as problem:
        states.empty_state(
            "Nothing to learn from in this window",
            html_text(problem),
            missing_facts_html("confidence", "threshold", "shadow"),
        )
        return None
    return as_polars(found.rows), {each["task_type"]: each for each in found.facts["slices"]}


def sweep_arguments(view: DashboardView) -> what_if_query.WhatIfArgs:
    """The question about this view, its edges on whole steps, so that it is not another one every few seconds."""
    edges = {
        "start": floor_to_step(view.start, WINDOW_EDGE_STEP),
        "end": floor_to_step(view.end, WINDOW_EDGE_STEP) + WINDOW_EDGE_STEP,
    }
    lanes = dict(zip(("from_lane", "to_lane"), chosen_lanes() or (None, None), strict=True))
    return what_if_query.WhatIfArgs(thresholds=THRESHOLD_GRID, **(view.asked | edges | lanes))


def chosen_lanes() -> tuple[str, str] | None:
    """The two lanes that were chosen; None: lanes that are no escalation, and all that are."""
    low, arrow, high = str(st.session_state.get(LANES_KEY, "")).partition(LANE_SEPARATOR)
    return (low, high) if arrow else None


def _choose_lanes() -> None:
    """Where there are more than two lanes: which of them the threshold lies between."""
    names = collector_queries.fetch_cached(LanesQuery()).rows["name"].to_pylist()
    if len(names) > 2:
        pairs = [f"{low}{LANE_SEPARATOR}{high}" for low, high in pairwise(names)]
        options = [ANY_LANES_LABEL, *pairs]
        st.selectbox(
            "Lanes", options, key=LANES_KEY, bind="query-params", width=240, on_change=chosen_thresholds().clear
        )


def chosen_thresholds() -> dict[str, float]:
    """The thresholds that were moved in this session, by task type; ALL stands for every other request."""
    found: dict[str, float] = st.session_state.setdefault(CHOSEN_THRESHOLDS_KEY, {})
    return found


def simulator_panel(view: DashboardView) -> None:
    """Draw the slider of a task type and what its threshold would do; to be called in a fragment."""
    _choose_lanes()
    learnt = fetch_threshold_sweep(view)
    if learnt is None:
        return
    rows, facts = learnt
    read_thresholds(chosen_thresholds(), SLIDER_KEY)
    names = [ALL_TASK_TYPES, *(name for name in facts if name is not None)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox("Task type", names, key=TASK_KEY, bind="query-params", width=240)
        name = picked if picked in names else ALL_TASK_TYPES
        part = rows.filter(pl.col("task_type").eq_missing(None if name == ALL_TASK_TYPES else name)).sort("threshold")
        about = facts[None if name == ALL_TASK_TYPES else name]
        at = _slider(name, about)
    write_thresholds(chosen_thresholds())
    now = about["threshold_now"]
    _tiles(_row(part, at), _row(part, now) if now is not None else None)
    figure = charts.threshold_curves(part, palette(), chosen=at, now=now)
    chart(figure, alt=f"Quality and escalation of {name} at each threshold; grey where nothing is known")
    _caveats(_row(part, at), about)
    unit = FIGURE_UNITS | {"threshold": "index", "quality_low": "ratio", "quality_high": "ratio", "quality_n": "count"}
    coarse = part.gather_every(STEPS_PER_ROW).select(SWEEP_COLUMNS)
    data_table(coarse, unit, "what-if", labels=SWEEP_LABELS, download=part)


def _slider(name: str, about: Row) -> float:
    """The threshold of this task type; where it was moved it stays, else it is the one of now."""
    first = chosen_thresholds().get(name, about["threshold_now"] if about["threshold_now"] is not None else 0.5)
    at = st.slider(
        "Threshold: a confidence below it is escalated",
        *(0.0, 1.0),
        value=min(1.0, max(0.0, round(first, 2))),
        step=THRESHOLD_STEP,
        key=SLIDER_KEY.format(name),
    )
    if about["threshold_now"] is None or abs(at - about["threshold_now"]) >= THRESHOLD_STEP / 2:
        chosen_thresholds()[name] = at
    else:
        chosen_thresholds().pop(name, None)
    return float(at)


def _row(part: pl.DataFrame, at: float) -> Row:
    """The figures at the threshold of the grid that is nearest."""
    return part.sort((pl.col("threshold") - at).abs()).row(0, named=True)


def _tiles(here: Row, now: Row | None) -> None:
    """Each figure with its interval, beside what it is now."""
    tiles = (_tile(name, label, here, now) for name, label in FIGURE_LABELS.items())
    st.html(html_tag("div", *tiles, class_="cs-tiles", role="status"))


def _tile(name: str, label: str, here: Row, now: Row | None) -> str:
    value, low, high, unit = here[name], here[f"{name}_low"], here[f"{name}_high"], FIGURE_UNITS[name]
    said = format_value(value, unit) if value is not None else "no evidence"
    sure = format_interval(low, high, unit) if low is not None else _bounds(name, here)
    support = f"n {format_count(here[f'{name}_n'] if name != 'escalation_rate' else here['n'])}"
    before = now[name] if now else None
    moved = format_change(value, before, unit) if value is not None and before is not None else ""
    verdict = ""
    if moved and value != before:
        verdict = "better" if (value < before) == (BETTER_DIRECTIONS[name] == "lower") else "worse"
    return html_tag(
        "dl",
        html_tag("dt", html_text(label)),
        html_tag("dd", html_text(said), class_="value"),
        html_tag("dd", html_text(" · ".join(part for part in (support, sure) if part)), class_="facts"),
        html_tag(
            "dd", f"{html_tag('b', html_text(moved), class_=verdict or 'same')} vs now" if moved else "", class_="facts"
        ),
        class_="cs-tile",
    )


def _bounds(name: str, here: Row) -> str:
    """Where a figure without evidence must lie, if that is known."""
    if name != "quality" or here["quality_lowest"] is None:
        return ""
    return format_interval(here["quality_lowest"], here["quality_highest"], "ratio")


def _caveats(here: Row, about: Row) -> None:
    """What the curve rests on, and where it is not to be believed."""
    basis = about["quality_is"] or "nothing: no answer was graded and no pair compared"
    said = [f"Quality is {describe_basis(about, basis)}, from {about['pairs']:,} pairs among {about['n']:,} requests."]
    if here["unsupported_share"]:
        share = format_value(here["unsupported_share"], "ratio")
        said.append(f"{share} of the requests lie where no pair tells anything.")
    if about["kind"] and about["kind"] != "probability":
        said.append(f"The confidence is a {about['kind']}.")
    if about["without_confidence"]:
        said.append(f"{about['without_confidence']:,} requests without a confidence are left out.")
    if about["ties"]:
        tied = ", ".join(f"{each['confidence']:.3g} ({format_ratio(each['share'])})" for each in about["ties"][:3])
        said.append(f"Many requests share one confidence, which no threshold can part: {tied}.")
    dips = [each for each in about["non_monotone"] if each["quality"] < -NOTABLE_QUALITY_LOSS]
    if dips:
        worst = min(dips, key=lambda each: each["quality"])
        said.append(
            f"More escalation gives less quality between {format_confidence(worst['from'])} and "
            f"{format_confidence(worst['to'])} ({format_difference(worst['quality'], 'ratio')})."
        )
    st.caption(escape_markdown(" ".join(said)))
