"""The timer of an incident: started on Triage with what is looked at, stopped there or on the page Cost."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.incidents import (
    EndBody,
    EndIncident,
    IncidentBody,
    IncidentsArgs,
    IncidentsQuery,
    RecordIncident,
)
from controlsurface.client.query_protocol import Command
from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_duration
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.view import DashboardView

Row = Mapping[str, Any]


def incident_timer(alert: Row | None, view: DashboardView) -> None:
    """Draw what runs, with a button that stops it; else the button that starts a timer."""
    running = as_dicts(collector_queries.run_now(IncidentsQuery(IncidentsArgs(running=True))).rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        for row in running:
            since = format_duration(datetime.now(UTC) - row["started_at"])
            st.caption(escape_markdown(f"Timer of {row['note'] or 'an incident'}, by {row['recorded_by']}: {since}"))
            stop_button(row)
        if not running and st.button(
            "Start the timer", help="Counts the time that you spend on it, for the cost of control", type="tertiary"
        ):
            _do(RecordIncident(_body(alert, view)))


def stop_button(row: Row) -> None:
    """Draw a button that ends a timer now."""
    if st.button("Stop the timer", key=f"stop {row['incident_id']}"):
        _do(EndIncident(row["incident_id"], EndBody()))


def _body(alert: Row | None, view: DashboardView) -> IncidentBody:
    """The incident that is looked at: its alert, and the values that the page is filtered by."""
    about = [each for each in view.where if each.partition(":")[0] in SHARED_DIMENSIONS and each.partition(":")[2]]
    rule = alert["rule"] if alert else None
    return IncidentBody(alert=rule, note=rule or "triage", slice=tuple(about), recorded_by=visitor.visitor_name() or "")


def _do(command: Command) -> None:
    try:
        collector_queries.collector_client().execute(command)
    except ControlSurfaceError as problem:
        st.warning(f"Not done: {escape_markdown(str(problem))}")
        return
    st.rerun()
