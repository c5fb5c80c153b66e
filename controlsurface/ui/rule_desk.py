"""Rules on screen: which are in force and how they are, and what another threshold would have meant."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.alerting import asked
from controlsurface.alerting.rehearsal import Backtest, BacktestArgs
from controlsurface.alerting.thresholds import SetThreshold, Threshold
from controlsurface.clock import SUBJECT
from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_value
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.query import QueryArgs
from controlsurface.reader.figures import MetricQuery
from controlsurface.reader.rows import frame, records
from controlsurface.ui import reading
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import palette, table, tag, text
from controlsurface.ui.panels import chart, panel
from controlsurface.ui.rule_words import words

Row = Mapping[str, Any]

BACK, PAST = "-28d", timedelta(days=28)
EVERY = "15m"  # from one evaluation of the past to the next
STEP = timedelta(hours=8)  # of the chart
MOST = 3  # firings whose time is said
TRIED = "_threshold_tried"
FEW_SERIES = 8  # lines of the preview; the others are counted and not drawn


def rules() -> list[dict[str, Any]]:
    """The rules in force, and warnings where newer rule files or the clock are wrong."""
    found = reading.answer(lambda: reading.reader().ask(asked.Rules()))
    warnings: list[str] = found.facts.get("warnings") or []
    for said in (each for each in warnings if each.startswith(SUBJECT)):
        st.warning(f"{plain(said[0].upper() + said[1:])}.")
    if mistakes := [each for each in warnings if not each.startswith(SUBJECT)]:
        st.warning("Rule files have mistakes, so the rules that were read before go on.")
        st.code("\n".join(mistakes), language=None, wrap_lines=True)
    return records(found.rows)


def rule_table(rows: Sequence[Row]) -> None:
    """The rules, and beneath them the one chosen over the past."""
    sick = sum(row["health"] == "err" for row in rows)
    with panel("Rules", f"{len(rows)} in force, {sick} fail"):
        if not rows:
            st.caption("No rule is in force. `controlsurface rules check` looks at rule files.")
            return
        names = ("Rule", "Fires when", "Group", "Severity", "Health", "Last evaluation")
        st.html(table(names, [_line(row) for row in rows], "Rules in force"))
    _preview([row for row in rows if row["kind"] == "threshold"])


def _line(row: Row) -> str:
    about = orjson.loads(row["definition"])
    at = row["last_evaluation"]
    cells = (
        row["rule"],
        words(about, row["kind"]),
        row["group_name"],
        (about.get("labels") or {}).get("severity"),
    )
    health = tag(
        "td", text(row["last_error"] or row["note"] or row["health"]), class_="bad" if row["health"] == "err" else None
    )
    return tag(
        "tr", *(tag("td", text(c)) for c in cells), health, tag("td", text(f"{at:%b %d %H:%M:%S}" if at else None))
    )


def _preview(rows: Sequence[Row]) -> None:
    """A threshold moved by hand, held against the last four weeks, and saved."""
    fixed = {row["rule"]: orjson.loads(row["definition"]) for row in rows}
    bounds = {name: bound for name, about in fixed.items() if (bound := _bound(about)) is not None}
    if not bounds:
        return
    with panel("Try a threshold", "over the last 28 days"):
        left, right = st.columns([2, 1])
        name = left.selectbox("Rule", list(bounds), key="rule") or next(iter(bounds))
        about, now = fixed[name], bounds[name]
        unit = CATALOG[about["metric"]].unit
        scale = 100.0 if unit == "ratio" else 1.0
        label = f"Threshold{' in %' if unit == 'ratio' else ''}"
        tried = right.number_input(label, value=now * scale, key=f"threshold {name}", step=scale / 100) / scale
        tried = now if abs(tried - now) < scale * 1e-12 else tried
        _course(about, tried, unit)
        with st.container(horizontal=True):
            if st.button("When would it have fired?", key="backtest"):
                st.session_state[TRIED] = (name, tried)
            if tried != now and st.button("Save this threshold", key="save threshold"):
                _save(name, now, tried)
        if st.session_state.get(TRIED) == (name, tried):
            _told(about, dict.fromkeys((now, tried)), unit)


def _told(about: Row, bounds: Iterable[float], unit: str) -> None:
    """How often the rule would have fired at each bound, by the same steps as live."""
    for bound in bounds:
        args = BacktestArgs(definition=orjson.dumps(_with(about, bound)).decode(), start=BACK, end="now", every=EVERY)
        found = reading.answer(lambda args=args: reading.reader().ask(Backtest(args))).rows  # type: ignore[misc]
        times = [f"{at:%b %d %H:%M}" for at in frame(found)["since"].to_list()[-MOST:]]
        last = f", last {', '.join(times)}" if times else ""
        fired = f"it would have fired **{found.num_rows:,} times** in 28 days"
        st.markdown(f"At {plain(format_value(bound, unit))} {fired}{plain(last)}.")


def _with(about: Row, bound: float) -> dict[str, Any]:
    """The rule with another bound."""
    return {**about, "above" if about.get("above") is not None else "below": bound}


def _save(name: str, was: float, value: float) -> None:
    try:
        kept = reading.reader().do(SetThreshold(name, Threshold(value=value, was=was)))
    except ControlSurfaceError as problem:
        st.warning(f"Not saved: {plain(problem)}")
        return
    st.success(f"Saved in {plain(kept['file'])}; the rule is read again within seconds.")


def _bound(about: Row) -> float | None:
    """The threshold, where it is a number."""
    found = about.get("above", about.get("below"))
    return float(found) if isinstance(found, int | float) else None


def _course(about: Row, bound: float, unit: str) -> None:
    """The rule's metric over the past, by its first dimension, beside the threshold."""
    by = tuple(about.get("by") or ())[:1]
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    where = tuple(f"{name}:{value or ''}" for name, values in (about.get("where") or {}).items() for value in values)
    args = QueryArgs(metric=about["metric"], by=by, where=where, start=end - PAST, end=end, every=STEP)
    found = frame(reading.ask(MetricQuery(args)).rows)
    if found.is_empty():
        return
    named = found.rename({by[0]: "slice"}) if by else found.with_columns(slice=pl.lit("all"))
    most = named.group_by("slice").agg(pl.col("n").sum()).sort("n", descending=True)["slice"].head(FEW_SERIES)
    rows = named.filter(pl.col("value").is_not_null()).group_by("slice").agg(pl.col("value").mean())
    nearest = rows.sort("value", descending=about.get("above") is not None)["slice"]
    drawn = named.filter(pl.col("slice").is_in(most.implode(), nulls_equal=True))
    axis = charts.Span(end - PAST, end, STEP)
    figure = charts.lines(
        drawn,
        axis,
        palette(),
        by="slice",
        unit=unit,
        highlight=next((each for each in nearest if each in most), None),
        target=bound,
        height=240,
    )
    chart(figure, alt="The rule's metric over four weeks beside the threshold")
    if (left_out := named["slice"].n_unique() - most.len()) > 0:
        st.caption(f"The {most.len():,} largest slices; {left_out:,} more are judged and not drawn.")
