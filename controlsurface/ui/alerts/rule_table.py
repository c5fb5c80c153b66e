"""Rules on screen: which are in force, what each looks for, and what another threshold would have meant."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.alerting import alert_queries
from controlsurface.alerting.backtest import BacktestArgs, BacktestQuery
from controlsurface.alerting.rules.threshold_edit import SetThreshold, ThresholdChange
from controlsurface.client.arrow_tables import as_dicts, as_polars
from controlsurface.clock import CLOCK_SUBJECT
from controlsurface.config.section import parse_duration
from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_period, format_value
from controlsurface.metrics.catalog import CATALOG
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.steady_series import steady_series
from controlsurface.ui.elements.html_tags import escape_markdown, html_table, html_tag, html_text, palette
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.panels import chart, panel

Row = Mapping[str, Any]


def describe_rule(about: Row, kind: str) -> str:
    """One line for a rule of any kind.

    >>> describe_rule({"metric": "error_rate", "above": {"over": "7d", "offset": "1d", "times": 1.5}}, "threshold")
    'error rate above 1.5 × that of the 7d until 1d ago, over 15m'
    >>> describe_rule({"gauge": "ingest_lag_seconds", "above": 120.0}, "gauge")
    'ingest lag seconds above 120'
    """
    return _DESCRIPTIONS[kind](about, f" by {', '.join(about['by'])}" if about.get("by") else "")


def _threshold(about: Row, by: str) -> str:
    side = "above" if about.get("above") is not None else "below"
    return f"{_plain(about['metric'])}{by} {side} {_bound_text(about, side)}, over {_span(about.get('over', '15m'))}"


def _bound_text(about: Row, side: str) -> str:
    """A number, or what the figure is held against."""
    bound, unit = about[side], CATALOG[about["metric"]].unit
    if isinstance(bound, int | float):
        return format_value(bound, unit)
    times = f"{bound['times']:g} × " if bound.get("times", 1) != 1 else ""
    ago = f" until {_span(bound['offset'])} ago" if "offset" in bound else ""
    past = f" of the {_span(bound['over'])}{ago}" if "over" in bound else ago
    least = f" and {format_value(bound['limit'], unit)}" if "limit" in bound else ""
    return f"{times}{_plain(bound['metric']) if 'metric' in bound else 'that'}{past}{least}"


def _lanes(about: Row, by: str) -> str:
    lanes = about.get("lanes") or {}
    if lanes.get("check") == "hidden_mode":
        return f"a lane's latency hides a second mode{by}"
    return f"{lanes.get('fast', 'small')} is not clearly faster than {lanes.get('slow', 'large')}{by}"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _span(text: object) -> str:
    """A length of time as people write it."""
    found = parse_duration(text)
    return format_period(found if isinstance(found, timedelta) else timedelta(seconds=float(str(found))))


_DESCRIPTIONS: Mapping[str, Callable[[Row, str], str]] = {
    "threshold": _threshold,
    "drift": lambda about, by: f"{_plain(about['metric'])}{by} leaves its baseline",
    "gauge": lambda about, _: f"{_plain(about['gauge'])} above {about.get('above', 0):g}",
    "budget": lambda about, by: f"money goes {about['budget'].get('burn', 1):g} × as fast as its budget allows{by}",
    "lanes": _lanes,
    "event": lambda about, _: f"a change: {', '.join(about['event']['kinds'])}",
    "heartbeat": lambda *_: "always, to show that alerting works",
}

PREVIEW_SINCE, PREVIEW_LENGTH = "-28d", timedelta(days=28)
PREVIEW_INTERVAL = "15m"  # from one evaluation of the past to the next
PREVIEW_CHART_STEP = timedelta(hours=8)  # of the chart
MAX_LISTED_FIRINGS = 3  # firings whose time is said
TRIED_THRESHOLD_KEY = "_threshold_tried"
MAX_PREVIEW_SERIES = 8  # lines of the preview; the others are counted and not drawn


def rules_in_force() -> list[dict[str, Any]]:
    """The rules in force, and warnings where newer rule files or the clock are wrong."""
    found = collector_queries.run_now(alert_queries.AlertRulesQuery())
    warnings: list[str] = found.facts.get("warnings") or []
    for said in (each for each in warnings if each.startswith(CLOCK_SUBJECT)):
        st.warning(f"{escape_markdown(said[0].upper() + said[1:])}.")
    if mistakes := [each for each in warnings if not each.startswith(CLOCK_SUBJECT)]:
        st.warning("Rule files have mistakes, so the rules that were read before go on.")
        st.code("\n".join(mistakes), language=None, wrap_lines=True)
    return as_dicts(found.rows)


def rule_table(rows: Sequence[Row]) -> None:
    """The rules, and beneath them the one chosen over the past."""
    sick = sum(row["health"] == "err" for row in rows)
    with panel("Rules", f"{len(rows)} in force, {sick} fail"):
        if not rows:
            st.caption("No rule is in force. `controlsurface rules check` looks at rule files.")
            return
        names = ("Rule", "Fires when", "Group", "Severity", "Health", "Last evaluation")
        st.html(html_table(names, [_line(row) for row in rows], "Rules in force"))
    _preview([row for row in rows if row["kind"] == "threshold"])


def _line(row: Row) -> str:
    about = orjson.loads(row["definition"])
    at = row["last_evaluation"]
    cells = (
        row["rule"],
        describe_rule(about, row["kind"]),
        row["group_name"],
        (about.get("labels") or {}).get("severity"),
    )
    health = html_tag(
        "td",
        html_text(row["last_error"] or row["note"] or row["health"]),
        class_="bad" if row["health"] == "err" else None,
    )
    return html_tag(
        "tr",
        *(html_tag("td", html_text(c)) for c in cells),
        health,
        html_tag("td", html_text(f"{at:%b %d %H:%M:%S}" if at else None)),
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
            if st.button("Backtest", key="backtest"):
                st.session_state[TRIED_THRESHOLD_KEY] = (name, tried)
            if tried != now and st.button("Save this threshold", key="save threshold"):
                _save(name, now, tried)
        if st.session_state.get(TRIED_THRESHOLD_KEY) == (name, tried):
            _list_firings(about, dict.fromkeys((now, tried)), unit)


def _list_firings(about: Row, bounds: Iterable[float], unit: str) -> None:
    """How often the rule would have fired at each bound, by the same steps as live."""
    for bound in bounds:
        args = BacktestArgs(
            definition=orjson.dumps(_with_bound(about, bound)).decode(),
            start=PREVIEW_SINCE,
            end="now",
            every=PREVIEW_INTERVAL,
        )
        found = collector_queries.run_now(BacktestQuery(args)).rows
        times = [f"{at:%b %d %H:%M}" for at in as_polars(found)["since"].to_list()[-MAX_LISTED_FIRINGS:]]
        last = f", last {', '.join(times)}" if times else ""
        fired = f"it would have fired **{found.num_rows:,} times** in 28 days"
        st.markdown(f"At {escape_markdown(format_value(bound, unit))} {fired}{escape_markdown(last)}.")


def _with_bound(about: Row, bound: float) -> dict[str, Any]:
    """The rule with another bound."""
    return {**about, "above" if about.get("above") is not None else "below": bound}


def _save(name: str, was: float, value: float) -> None:
    try:
        kept = collector_queries.collector_client().execute(SetThreshold(name, ThresholdChange(value=value, was=was)))
    except ControlSurfaceError as problem:
        st.warning(f"Not saved: {escape_markdown(problem)}")
        return
    st.success(f"Saved in {escape_markdown(kept['file'])}; the rule is read again within seconds.")


def _bound(about: Row) -> float | None:
    """The threshold, where it is a number."""
    found = about.get("above", about.get("below"))
    return float(found) if isinstance(found, int | float) else None


def _course(about: Row, bound: float, unit: str) -> None:
    """The rule's metric over the past, by its first dimension, beside the threshold."""
    by = tuple(about.get("by") or ())[:1]
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    where = tuple(f"{name}:{value or ''}" for name, values in (about.get("where") or {}).items() for value in values)
    found = steady_series(about["metric"], DashboardView(end - PREVIEW_LENGTH, end, PREVIEW_CHART_STEP, where), by)
    if found.is_empty():
        return
    named = found.rename({by[0]: "slice"}) if by else found.with_columns(slice=pl.lit("all"))
    most = named.group_by("slice").agg(pl.col("n").sum()).sort("n", descending=True)["slice"].head(MAX_PREVIEW_SERIES)
    rows = named.filter(pl.col("value").is_not_null()).group_by("slice").agg(pl.col("value").mean())
    nearest = rows.sort("value", descending=about.get("above") is not None)["slice"]
    drawn = named.filter(pl.col("slice").is_in(most.implode(), nulls_equal=True))
    axis = charts.TimeSpan(end - PREVIEW_LENGTH, end, PREVIEW_CHART_STEP)
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
