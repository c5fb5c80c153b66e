"""Two architectures, or router versions, with what keeps them right: engineers, fixed costs, and cost over volume."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from controlsurface import charts
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.architectures_query import COMPARED_BY, ArchitecturesArgs, ArchitecturesQuery
from controlsurface.formatting import UNKNOWN, format_count, format_interval, format_ratio, format_value
from controlsurface.money.control.architecture_costs import cost_line
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown, html_table, html_tag, html_text, palette
from controlsurface.ui.reports.side_by_side import Population, chosen_dimension
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.panels import chart, panel

_FIGURES = (
    ("Model calls per request", "steps_per_request", "count"),
    ("Input tokens per request", "input_tokens_per_request", "tokens"),
    ("Output tokens per request", "output_tokens_per_request", "tokens"),
    ("Cost per request, all calls", "usd_per_request", "usd"),
    ("P50 latency", "latency_p50", "ms"),
    ("P95 latency", "latency_p95", "ms"),
    ("P95 by P50", "latency_spread", "index"),
    ("Error rate", "error_rate", "ratio"),
    ("Step that failed first", "failed_step", ""),
    ("Engineer minutes", "engineer_minutes", "index"),
    ("Cost of engineers", "engineer_usd", "usd"),
    ("Incidents per million requests", "incidents_per_million", "index"),
    ("Fixed cost a month", "fixed_usd_per_month", "usd"),
    ("All costs per 1,000 requests", "usd_per_1000_requests", "usd"),
)
_REACH = 2  # times the largest of both volumes and their crossing that the chart shows


def architecture_panels(view: DashboardView, one: Population, other: Population) -> None:
    """Whole cost of both arms, where one dimension tells them apart; all traffic of the window."""
    dimension = chosen_dimension()
    if dimension not in COMPARED_BY:
        return
    asked = ArchitecturesQuery(ArchitecturesArgs(start=view.start, end=view.end, by=dimension))
    answer = collector_queries.fetch_cached(asked)
    known = {row["name"]: row for row in as_dicts(answer.rows)}
    if one[0] == other[0] or not {one[0], other[0]} <= {*known}:
        return
    rows = known[one[0]], known[other[0]]
    with panel("Whole cost", "calls, failures and the time of engineers; whatever is filtered"):
        st.html(html_table(("", f"A: {one[0]}", f"B: {other[0]}"), map(_row, _FIGURES, [rows] * 20), "whole cost"))
        st.caption(escape_markdown(_note(rows, answer.facts["unassigned_minutes"])))
    with panel("Cost over volume", "a month: the fixed part, and the variable cost of each request"):
        _curve(rows, answer.facts["crossings"])


def _row(figure: tuple[str, str, str], rows: tuple[Mapping[str, Any], Mapping[str, Any]]) -> str:
    title, name, unit = figure
    cells = (html_tag("td", _cell(row, name, unit)) for row in rows)
    return html_tag("tr", html_tag("td", html_text(title)), *cells)


def _cell(row: Mapping[str, Any], name: str, unit: str) -> str:
    """A figure with what it rests on."""
    if not unit:
        share = row["failed_step_share"]
        small = "" if share is None else html_tag("small", html_text(f"{format_ratio(share)} of first failures"))
        return f"{html_text(row[name] or UNKNOWN)} {small}"
    return f"{html_text(format_value(row[name], unit))} {html_tag('small', html_text(_rests_on(row, name)))}"


def _rests_on(row: Mapping[str, Any], name: str) -> str:
    if name == "usd_per_request":
        ends = f" · {format_interval(row['usd_low'], row['usd_high'], 'usd')}" if row["usd_low"] is not None else ""
        priced = "" if row["priced_share"] is None else f" · {format_ratio(row['priced_share'])} of calls priced"
        return f"n {format_count(row['costed'])}{ends}{priced}"
    if name == "error_rate" and row["error_rate_low"] is not None:
        ends = format_interval(row["error_rate_low"], row["error_rate_high"], "ratio")
        return f"n {format_count(row['n'])} · {ends}"
    if name == "engineer_minutes":
        return f"{row['incidents']:g} incidents"
    return f"n {format_count(row['n'])}"


def _note(rows: tuple[Mapping[str, Any], ...], unassigned: float) -> str:
    said = ["Cost per request has failed, repeated and overhead calls in it."]
    if not any(row["engineer_minutes"] for row in rows):
        said.append("No incident names one of these: the time of engineers is not in the figures.")
    if unassigned:
        said.append(f"{unassigned:,.0f} engineer minutes name none, and are in neither.")
    return " ".join(said)


def _curve(rows: tuple[Mapping[str, Any], Mapping[str, Any]], crossings: list[dict[str, Any]]) -> None:
    """Both lines, and the sentence about where they cross."""
    names = {row["name"] for row in rows}
    found = next((each for each in crossings if {each["one"], each["other"]} == names), None)
    if found is None:
        st.caption("Only the six with the most requests are held against each other; choose two of them.")
        return
    st.markdown(escape_markdown(found["text"]))
    lines = [cost_line(row) for row in rows]
    if all(line.fixed_usd is not None and line.usd_per_request is not None for line in lines):
        most = _REACH * max(found["requests"] or 0, *(row["requests_per_month"] or 0 for row in rows), 1)
        figure = charts.monthly_cost_lines(lines, palette(), most=most, crossing=found["requests"])
        chart(figure, alt=f"Monthly cost of {rows[0]['name']} and {rows[1]['name']} over requests a month")
    volumes = " and ".join(f"{format_count(round(row['requests_per_month'] or 0))} ({row['name']})" for row in rows)
    st.caption(
        escape_markdown(
            f"Now {volumes} requests a month, by this window. The fixed part is own hardware with its idle time, "
            "engineer minutes, and monthly_usd of the configuration; a line says nothing of hardware that is full."
        )
    )
