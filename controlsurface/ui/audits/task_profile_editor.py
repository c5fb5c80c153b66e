"""The task profile as a table that is edited in place; what changed is saved as versions, with who and why."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.task_profile.profile_command import SetTaskProfileCommand
from controlsurface.client.task_profile.profile_entry import STATED_FIELDS, TaskProfileChange, TaskProfileEntry
from controlsurface.client.task_profile.profile_queries import (
    FILLED_FIELDS,
    TaskProfileHistoryQuery,
    TaskProfileQuery,
)
from controlsurface.errors import ControlSurfaceError
from controlsurface.export.task_profile_document import markdown_table
from controlsurface.query.arguments import WeekRange
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import data_table

SAVED_KEY = "_task_profile_saved"
FROM_TRAFFIC = {name: f"{name}_seen" for name in FILLED_FIELDS}
_TITLES = {
    "task_type": "Task type",
    "requests": "Requests",
    "input": "Input tokens (P50, P95)",
    "output": "Acceptable output",
    "blast_radius": "Blast radius",
    "tier": "Lane",
    "tier_seen": "Lane (from traffic)",
    "routing_signal": "Routing signal",
    "routing_signal_seen": "Signal (from traffic)",
    "escalation_trigger": "Escalation trigger",
    "escalation_trigger_seen": "Trigger (from traffic)",
    "owner": "Owner",
}


def task_profile_editor(view: DashboardView) -> None:
    """Every task type of the window and of the profile, and a form that saves what was changed."""
    if said := st.session_state.pop(SAVED_KEY, None):
        st.success(escape_markdown(said))
    args = WeekRange(start=view.start, end=view.end)
    rows = as_polars(collector_queries.run_now(TaskProfileQuery(args)).rows)
    if rows.is_empty():
        command = html_tag("code", "controlsurface task-profile import")
        states.empty_state("No task types yet", f"They come with requests, or by {command}.")
        return
    table = editable_table(rows)
    with st.form("task profile", border=False):
        edited = st.data_editor(
            table,
            key=f"task_profile_{rows['version'].sum()}",
            hide_index=True,
            width="stretch",
            disabled=[name for name in table.columns if name not in STATED_FIELDS],
            column_config={name: st.column_config.Column(_TITLES[name]) for name in table.columns}
            | {
                "blast_radius": st.column_config.SelectboxColumn("Blast radius", options=["low", "medium", "high"]),
                "requests": st.column_config.NumberColumn("Requests", format="localized"),
            },
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            who = visitor.name_field("Author", "task_profile_author", width=200)
            why = st.text_input("Reason", key="task_profile_reason", max_chars=1000, width=420)
            pressed = st.form_submit_button("Save changes", type="secondary")
    if pressed:
        _save(rows, edited, who, why.strip())
    st.download_button("Markdown", markdown_table(rows.to_dicts()), "task-profile.md", "text/markdown")


def editable_table(rows: pl.DataFrame) -> pl.DataFrame:
    """What people say in columns of its own, and what traffic tells beside it, so that a guess is not saved as said."""
    by_traffic = {name: pl.col("from_traffic").list.contains(name) for name in FILLED_FIELDS}
    said = [pl.when(~by_traffic[name]).then(name).alias(name) for name in FILLED_FIELDS]
    seen = [pl.when(by_traffic[name]).then(name).alias(FROM_TRAFFIC[name]) for name in FILLED_FIELDS]
    tokens = pl.concat_str([pl.col(f"input_{end}").round(0).cast(pl.Int64).cast(pl.String) for end in ("p50", "p95")],
                           separator=", ")  # fmt: skip
    return rows.with_columns(*said, *seen, input=tokens).select([*_TITLES])


def changed_rows(rows: pl.DataFrame, edited: pl.DataFrame) -> list[TaskProfileEntry]:
    """The rows that say something else now, each on top of the version that was shown."""
    before = {row["task_type"]: row for row in editable_table(rows).to_dicts()}
    versions = dict(zip(rows["task_type"], rows["version"], strict=True))
    return [
        TaskProfileEntry.model_validate(_stated(row) | {"task_type": name, "rests_on": versions[name]})
        for row in edited.to_dicts()
        if _stated(row) != _stated(before[name := row["task_type"]])
    ]


def _stated(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] or None for name in STATED_FIELDS}


def _save(rows: pl.DataFrame, edited: pl.DataFrame, who: str, why: str) -> None:
    changed = changed_rows(rows, edited)
    if not (who and changed):
        st.warning("An author is needed." if changed else "Nothing was changed.")
        return
    try:
        order = SetTaskProfileCommand(TaskProfileChange(profiles=tuple(changed), who=who, why=why))
        kept = collector_queries.collector_client().execute(order)
    except ControlSurfaceError as problem:
        st.warning(f"Not saved: {escape_markdown(problem)}")
        return
    st.session_state[SAVED_KEY] = f"Saved: {kept['changed']} task types."
    st.rerun()


def task_profile_history() -> None:
    """All versions, newest first."""
    rows = as_polars(collector_queries.run_now(TaskProfileHistoryQuery()).rows)
    if rows.is_empty():
        states.empty_state("No versions yet", "The first one is made above.")
        return
    labels = {"at": "Saved", "who": "Author", "why": "Reason", "task_type": "Task type", "blast_radius": "Blast radius"}
    labels |= {"removed": "Removed", "routing_signal": "Routing signal", "escalation_trigger": "Escalation trigger"}
    data_table(
        rows, {"version": "count"}, "task-profile-versions", labels=labels | {"tier": "Lane", "output": "Output"}
    )
