"""The tab Control of the page Cost: calls and the time of engineers together, and the incidents that took it."""

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_dicts, as_polars
from controlsurface.client.queries.costs.incidents import (
    ControlCostArgs,
    ControlCostQuery,
    IncidentsArgs,
    IncidentsQuery,
)
from controlsurface.formatting import format_duration
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.reports.entropy_panel import entropy_panel
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import data_table
from controlsurface.ui.widgets.incident_timer import stop_button
from controlsurface.ui.widgets.panels import panel

BREAKDOWNS = ("lane", "task_type", "architecture", "router_version", "team", "tenant")
_COLUMNS = {
    "name": ("", ""),
    "total_usd": ("Total", "usd"),
    "calls_usd": ("Calls", "usd"),
    "engineer_usd": ("Engineers", "usd"),
    "storage_usd": ("Storage", "usd"),
    "usd_per_1000_requests": ("Per 1,000 requests", "usd"),
    "engineer_minutes": ("Engineer minutes", "index"),
    "incidents": ("Incidents", "index"),
    "incidents_per_million": ("... per million requests", "index"),
    "requests": ("Requests", "count"),
    "priced_share": ("Priced", "ratio"),
    "rated_share": ("Minutes with a rate", "ratio"),
}
_NOBODY = "(about none)"


def control_section(view: DashboardView) -> None:
    """The tab Control; all traffic of the window, whatever is filtered."""
    with panel("Cost of control", "calls, and the time of engineers on incidents, whatever is filtered"):
        by = st.segmented_control(
            "By",
            BREAKDOWNS,
            default=BREAKDOWNS[0],
            required=True,
            key="control by",
            label_visibility="collapsed",
            format_func=lambda name: name.replace("_", " ").capitalize(),
        )
        args = ControlCostArgs(start=view.start, end=view.end, by=by or BREAKDOWNS[0])
        answer = collector_queries.run_now(ControlCostQuery(args))
        rows = as_polars(answer.rows)
        names = pl.when("assigned").then(pl.col("name")).otherwise(pl.lit(_NOBODY)).alias("name")
        labels, units = ({name: said[part] for name, said in _COLUMNS.items()} for part in (0, 1))
        labels["name"] = args.by.replace("_", " ").capitalize()
        shown = rows.with_columns(names).select([*_COLUMNS])
        data_table(shown, {name: unit for name, unit in units.items() if unit}, f"control-by-{args.by}", labels=labels)
        st.caption(_note(rows, int(answer.facts["running"])))
    entropy_panel(view)
    with panel("Incidents", "that began in this window, the newest first"):
        _incidents(view)


def _note(rows: pl.DataFrame, running: int) -> str:
    """What the figures rest on."""
    minutes = float(rows["engineer_minutes"].sum())
    if not minutes:
        return "No time of engineers is recorded here yet: the timer is on Triage, `controlsurface incident` adds it."
    said = ["What names no value of the dimension stands in a row of its own."]
    if rows.filter((pl.col("engineer_minutes") > 0) & (pl.col("rated_share") < 1)).height:
        said.append("Minutes of teams without a rate have no price: set `control.hourly_usd`.")
    if running:
        said.append(f"{running} running timers are not counted yet.")
    return " ".join(said)


def _incidents(view: DashboardView) -> None:
    found = as_dicts(collector_queries.run_now(IncidentsQuery(IncidentsArgs(start=view.start, end=view.end))).rows)
    if not found:
        st.caption("None.")
    for row in found:
        if row["ended_at"] is None and row["minutes"] is None:
            with st.container(horizontal=True, vertical_alignment="center"):
                since = format_duration(datetime.now(UTC) - row["started_at"])
                st.markdown(escape_markdown(f"{row['note'] or row['alert'] or 'Incident'}: running for {since}"))
                stop_button(row)
    ended = [row for row in found if row["ended_at"] is not None or row["minutes"] is not None]
    if ended:
        kept = ("started_at", "ended_at", "minutes", "people", "team", "alert", "note", "recorded_by")
        table = pl.DataFrame([{name: row[name] for name in kept} for row in ended], infer_schema_length=None)
        data_table(table, {"minutes": "index", "people": "count"}, "incidents")
