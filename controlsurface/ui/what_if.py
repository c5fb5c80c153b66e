"""Another threshold: what it would do to escalation, cost, latency and quality, and how well that is known."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.audit import questions
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
from controlsurface.reader.lanes import LanesQuery
from controlsurface.reader.rows import frame
from controlsurface.ui import reading, states
from controlsurface.ui.audits import rests_on
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.filled import to_fill
from controlsurface.ui.markup import palette, tag, text
from controlsurface.ui.panels import chart
from controlsurface.ui.sheet import sheet
from controlsurface.ui.window import View, floored

STEP = 0.01
EDGE = reading.MINUTES
GRID = f"0:1:{STEP}"
ALL = "all task types"
TASK, CHOSEN, LANES = "task", "_chosen thresholds", "between"
ANY, ARROW = "all, by escalation", " → "
FIGURES = {"escalation_rate": "Escalated", "quality": "Quality", "cost_usd": "Cost a request", "latency_ms": "Latency"}
UNITS = {"escalation_rate": "ratio", "quality": "ratio", "cost_usd": "usd", "latency_ms": "ms"}
BETTER = {"escalation_rate": "lower", "quality": "higher", "cost_usd": "lower", "latency_ms": "lower"}
COLUMNS = tuple("threshold escalation_rate quality quality_low quality_high quality_n cost_usd latency_ms".split())

LABELS = FIGURES | {"quality_low": "from", "quality_high": "to", "quality_n": "Rests on"}
NOTABLE = 0.001  # loss of quality from one step to the next that is worth a word
ROWS = 5  # steps of the slider in one line of the table

Row = Mapping[str, Any]


def sweep(view: View) -> tuple[pl.DataFrame, Mapping[str | None, Row]] | None:
    """Figures of every slice at every threshold, and facts by slice; None where no request has a confidence."""
    args = asked(view)
    try:
        found = reading.kept(questions.WhatIf(args))
    except NotFound as problem:
        states.state(
            "Nothing to learn from in this window", text(problem), to_fill("confidence", "threshold", "shadow")
        )
        return None
    return frame(found.rows), {each["task_type"]: each for each in found.facts["slices"]}


def asked(view: View) -> questions.WhatIfArgs:
    """The question about this view, its edges on whole steps, so that it is not another one every few seconds."""
    edges = {"start": floored(view.start, EDGE), "end": floored(view.end, EDGE) + EDGE}
    lanes = dict(zip(("from_lane", "to_lane"), between() or (None, None), strict=True))
    return questions.WhatIfArgs(thresholds=GRID, **(view.asked | edges | lanes))


def between() -> tuple[str, str] | None:
    """The two lanes that were chosen; None: lanes that are no escalation, and all that are."""
    low, arrow, high = str(st.session_state.get(LANES, "")).partition(ARROW)
    return (low, high) if arrow else None


def _choose_lanes() -> None:
    """Where there are more than two lanes: which of them the threshold lies between."""
    names = reading.ask(LanesQuery()).rows["name"].to_pylist()
    if len(names) > 2:
        pairs = [f"{low}{ARROW}{high}" for low, high in pairwise(names)]
        options = [ANY, *pairs]
        st.selectbox("Lanes", options, key=LANES, bind="query-params", width=240, on_change=chosen().clear)


def chosen() -> dict[str, float]:
    """The thresholds that were moved in this session, by task type; ALL stands for every other request."""
    found: dict[str, float] = st.session_state.setdefault(CHOSEN, {})
    return found


def simulator(view: View) -> None:
    """Draw the slider of a task type and what its threshold would do; to be called in a fragment."""
    _choose_lanes()
    learnt = sweep(view)
    if learnt is None:
        return
    rows, facts = learnt
    names = [ALL, *(name for name in facts if name is not None)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox("Task type", names, key=TASK, bind="query-params", width=240)
        name = picked if picked in names else ALL
        part = rows.filter(pl.col("task_type").eq_missing(None if name == ALL else name)).sort("threshold")
        about = facts[None if name == ALL else name]
        at = _slider(name, about)
    now = about["threshold_now"]
    _tiles(_row(part, at), _row(part, now) if now is not None else None)
    figure = charts.consequences(part, palette(), chosen=at, now=now)
    chart(figure, alt=f"Quality and escalation of {name} at each threshold; grey where nothing is known")
    _caveats(_row(part, at), about)
    unit = UNITS | {"threshold": "index", "quality_low": "ratio", "quality_high": "ratio", "quality_n": "count"}
    coarse = part.gather_every(ROWS).select(COLUMNS)
    sheet(coarse, unit, "what-if", labels=LABELS, download=part)


def _slider(name: str, about: Row) -> float:
    """The threshold of this task type; where it was moved it stays, else it is the one of now."""
    first = chosen().get(name, about["threshold_now"] if about["threshold_now"] is not None else 0.5)
    at = st.slider(
        "Threshold: a confidence below it is escalated",
        *(0.0, 1.0),
        value=min(1.0, max(0.0, round(first, 2))),
        step=STEP,
        key=f"threshold {name}",
    )
    if about["threshold_now"] is None or abs(at - about["threshold_now"]) >= STEP / 2:
        chosen()[name] = at
    else:
        chosen().pop(name, None)
    return float(at)


def _row(part: pl.DataFrame, at: float) -> Row:
    """The figures at the threshold of the grid that is nearest."""
    return part.sort((pl.col("threshold") - at).abs()).row(0, named=True)


def _tiles(here: Row, now: Row | None) -> None:
    """Each figure with its interval, beside what it is now."""
    tiles = (_tile(name, label, here, now) for name, label in FIGURES.items())
    st.html(tag("div", *tiles, class_="cs-tiles", role="status"))


def _tile(name: str, label: str, here: Row, now: Row | None) -> str:
    value, low, high, unit = here[name], here[f"{name}_low"], here[f"{name}_high"], UNITS[name]
    said = format_value(value, unit) if value is not None else "no evidence"
    sure = format_interval(low, high, unit) if low is not None else _bounds(name, here)
    support = f"n {format_count(here[f'{name}_n'] if name != 'escalation_rate' else here['n'])}"
    before = now[name] if now else None
    moved = format_change(value, before, unit) if value is not None and before is not None else ""
    verdict = ""
    if moved and value != before:
        verdict = "better" if (value < before) == (BETTER[name] == "lower") else "worse"
    return tag(
        "dl",
        tag("dt", text(label)),
        tag("dd", text(said), class_="value"),
        tag("dd", text(" · ".join(part for part in (support, sure) if part)), class_="facts"),
        tag("dd", f"{tag('b', text(moved), class_=verdict or 'same')} vs now" if moved else "", class_="facts"),
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
    said = [f"Quality is {rests_on(about, basis)}, from {about['pairs']:,} pairs among {about['n']:,} requests."]
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
    dips = [each for each in about["non_monotone"] if each["quality"] < -NOTABLE]
    if dips:
        worst = min(dips, key=lambda each: each["quality"])
        said.append(
            f"More escalation gives less quality between {format_confidence(worst['from'])} and "
            f"{format_confidence(worst['to'])} ({format_difference(worst['quality'], 'ratio')})."
        )
    st.caption(plain(" ".join(said)))
