"""Rules on screen: which are in force, what each looks for, and what is overridden."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import streamlit as st

from controlsurface.alerting import alert_queries
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.clock import CLOCK_SUBJECT
from controlsurface.config.section import parse_duration
from controlsurface.formatting import format_period, format_value
from controlsurface.metrics.catalog import CATALOG
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_table, html_tag, html_text
from controlsurface.ui.widgets.panels import panel

Row = Mapping[str, Any]


def describe_rule(about: Row, kind: str) -> str:
    """One line for a rule of any kind.

    >>> describe_rule({"metric": "error_rate", "above": {"over": "7d", "offset": "1d", "times": 1.5}}, "threshold")
    'error rate above 1.5 × 7d baseline (1d offset), over 15m'
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
    metric = _plain(bound["metric"]) if "metric" in bound else ""
    past = f"{_span(bound['over'])} baseline" if "over" in bound else "" if metric else "baseline"
    offset = f"({_span(bound['offset'])} offset)" if "offset" in bound else ""
    least = f"and {format_value(bound['limit'], unit)}" if "limit" in bound else ""
    return times + " ".join(part for part in (metric, past, offset, least) if part)


def _lanes(about: Row, by: str) -> str:
    lanes = about.get("lanes") or {}
    if lanes.get("check") == "hidden_mode":
        return f"a lane's latency hides a second mode{by}"
    return f"{lanes.get('fast', 'small')} is not clearly faster than {lanes.get('slow', 'large')}{by}"


def _plain(name: str) -> str:
    return CATALOG[name].phrase if name in CATALOG else name.replace("_", " ")


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


def rules_in_force() -> list[dict[str, Any]]:
    """The rules in force, and warnings where newer rule files or the clock are wrong."""
    found = collector_queries.run_now(alert_queries.AlertRulesQuery())
    warnings: list[str] = found.facts.get("warnings") or []
    for said in (each for each in warnings if each.startswith(CLOCK_SUBJECT)):
        st.warning(f"{escape_markdown(said[0].upper() + said[1:])}.")
    if mistakes := [each for each in warnings if not each.startswith(CLOCK_SUBJECT)]:
        st.warning("Rule files have mistakes, so the rules that were read before go on.")
        st.code("\n".join(mistakes), language=None, wrap_lines=True)
    if doubts := found.facts.get("doubts"):
        st.warning("Something in rule files is without effect, or hardly meant.")
        st.code("\n".join(doubts), language=None, wrap_lines=True)
    return as_dicts(found.rows)


def rule_table(rows: Sequence[Row]) -> None:
    """The rules; where one is overridden, by what."""
    sick = sum(row["health"] == "err" for row in rows)
    with panel("Rules", f"{len(rows)} in force, {sick} error{'s' if sick != 1 else ''}"):
        if not rows:
            st.caption("No rule is in force. `controlsurface rules check` looks at rule files.")
            return
        names = ("Rule", "Fires when", "Group", "Severity", "Health", "Last evaluation")
        st.html(html_table(names, [_line(row) for row in rows], "Rules in force"))


def _line(row: Row) -> str:
    about = orjson.loads(row["definition"])
    at = row["last_evaluation"]
    override = orjson.loads(row["override"])["changes"] if row.get("override") else ""
    cells = (
        row["rule"],
        f"{describe_rule(about, row['kind'])}{f'; overridden: {override}' if override else ''}",
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
        html_tag("td", html_text(time_zone.second_text(at) if at else None)),
    )
