"""Example requests: those that the metric counted, of the leading values, the first with its decision and trace."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import streamlit as st

from controlsurface import charts
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.contributor_result import ContributorResult
from controlsurface.client.queries.request_detail import Near, RequestQuery
from controlsurface.client.queries.request_list import RequestOrder, RequestsArgs, RequestsQuery
from controlsurface.formatting import format_confidence, format_value
from controlsurface.metrics.metric import Metric
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text
from controlsurface.ui.elements.page_links import page_link
from controlsurface.ui.navigation.triage_selection import TriageSelection
from controlsurface.ui.requests.request_card import request_card, request_trace

Row = Mapping[str, Any]
MAX_EXAMPLES, MAX_CANDIDATES = 6, 300  # listed, and looked at
PLAIN_ID = re.compile(r"[\w.~:-]+", re.ASCII)
MAX_OPENED = 3  # of them, whose trace can be opened here
ORDERS: Mapping[str, RequestOrder] = {"usd": "costliest", "ms": "slowest"}  # of amounts the largest; else the latest


def counted_requests(about: TriageSelection, found: ContributorResult) -> list[dict[str, Any]]:
    """Requests of the selection that the metric counted, of the leading values; of any where no value leads.

    Of amounts the largest; else some from the latest to the earliest looked at, so that they are not one burst.
    """
    args = counted_arguments(about.metric, about, found)
    rows = as_dicts(collector_queries.fetch_cached(RequestsQuery(args)).rows) if args else []
    if args is None or args.order != "recent" or len(rows) <= MAX_EXAMPLES:
        return rows[:MAX_EXAMPLES]
    return [rows[place * (len(rows) - 1) // (MAX_EXAMPLES - 1)] for place in range(MAX_EXAMPLES)]


def counted_arguments(metric: Metric, about: TriageSelection, found: ContributorResult) -> RequestsArgs | None:
    """What asks for them; None where no request adds to the metric."""
    if metric.source == "arrivals":
        return None
    where, own = [*about.selection.where], [*about.own_where]
    for cause in found.leading[:1]:
        side = where if cause["dimension"] in DIMENSIONS["requests"] else own
        side.extend(f"{cause['dimension']}:{value or ''}" for value in cause["values"])
    return RequestsArgs(
        start=about.selection.start,
        end=about.selection.end,
        where=tuple(where),
        counted=metric.id,
        counted_where=tuple(own),
        counted_above=found.above,
        order=ORDERS.get(metric.unit, "recent"),
        limit=MAX_CANDIDATES,
    )


def exemplars_of(rows: Sequence[Row]) -> list[charts.Exemplar]:
    """The rows as dots of a time chart; those whose id an address in a chart cannot hold have none."""
    return [
        charts.Exemplar(row["started_at"], _chart_address(row), f"{row['task_type'] or 'request'}, {_took(row)}")
        for row in rows
        if row["started_at"] is not None and PLAIN_ID.fullmatch(str(row["request_id"]))
    ]


def _chart_address(row: Row) -> str:
    """The trace's address without a quoted character."""
    name = row["request_id"]
    return f"traces?find={name}&request={name}&at={row['started_at'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def example_note(found: ContributorResult) -> str:
    """Which requests these are."""
    cause = found.leading[0] if found.leading else None
    name = cause["dimension"].replace("_", " ") if cause else ""
    values = [value or "not stated" for value in cause["values"]] if cause else []
    return f"counted by the metric, {name} {' or '.join(values)}" if cause else "counted by the metric"


def example_table(rows: Sequence[Row], label: str) -> None:
    """The requests as a table, each a link to its trace."""
    if not rows:
        st.caption("No request was counted in this window.")
        return
    names = (
        f"time ({time_zone.zone_label()})",
        "task type",
        "tenant",
        "decision",
        "model",
        "latency",
        "cost",
        "request",
    )
    st.html(html_table(names, [_line(row) for row in rows], label))


@st.fragment
def example_traces(rows: Sequence[Row]) -> None:
    """One of the first requests with what the router decided and every call; another one press further."""
    shown = rows[:MAX_OPENED]
    if not shown:
        return
    names = {f"{number}  ·  {_time(row)}": row for number, row in enumerate(shown, 1)}
    chosen = st.segmented_control("Trace", list(names), default=next(iter(names)), required=True, key="example")
    row = names.get(chosen or "", shown[0])
    detail = collector_queries.fetch_cached(RequestQuery(str(row["request_id"]), Near(near=row["started_at"])))
    request_card(detail)
    request_trace(detail)


def _line(row: Row) -> str:
    cells = (
        html_text(_time(row)),
        html_text(row["task_type"]),
        html_text(row["tenant"]),
        html_text(_decision(row)),
        html_text(row["answered_by"]),
        html_text(_took(row)),
        html_text(format_value(row["cost_usd"], "usd")),
        page_link(str(row["request_id"])[:18], "traces", _address(row)),
    )
    return html_tag("tr", *(html_tag("td", cell) for cell in cells))


def _decision(row: Row) -> str:
    """How the router decided: the confidence beside its threshold, and where it went."""
    known, threshold = row["confidence"], row["threshold"]
    lane = row["lane"] or "unknown"
    if known is None:
        return f"{row['reason'] or 'no confidence'} → {lane}"
    held = f" vs {format_confidence(threshold)}" if threshold is not None else ""
    return f"{format_confidence(known)}{held} → {lane}"


def _address(row: Row) -> dict[str, object]:
    name = str(row["request_id"])
    return {"find": name, "request": name, "at": row["started_at"].isoformat() if row["started_at"] else ""}


def _time(row: Row) -> str:
    return time_zone.second_text(row["started_at"]) if row["started_at"] else "–"


def _took(row: Row) -> str:
    return format_value(row["duration_ms"], "ms")
