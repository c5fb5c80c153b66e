"""Silences on screen: those in force, a form for a new one, a button that ends one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from controlsurface.alerting.delivery import silence_commands
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.query_protocol import Command
from controlsurface.config.label_matchers import LabelMatcher, parse_matcher
from controlsurface.errors import ControlSurfaceError
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown
from controlsurface.ui.widgets.panels import panel

SILENCE_LENGTHS_H = {"30 minutes": 0.5, "2 hours": 2, "8 hours": 8, "1 day": 24, "1 week": 168}  # hours
SILENCE_DONE_KEY = "_silence_done"


def silence_panel() -> None:
    """The panel; an address with `silence=` has filled the form already."""
    rows = as_dicts(collector_queries.run_now(silence_commands.SilencesQuery()).rows)
    live = [row for row in rows if row["status"]["state"] != "expired"]
    with panel("Silences", f"{len(live)} in force or to come"):
        if said := st.session_state.pop(SILENCE_DONE_KEY, ""):
            st.success(escape_markdown(said))
        for row in live:
            _row(row)
        if not live:
            st.caption("Nothing is silenced.")
        _form()


def _row(row: Mapping[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        told = " ".join(str(LabelMatcher(m["name"], m["value"], m["isRegex"], m["isEqual"])) for m in row["matchers"])
        until = time_zone.minute_text(row["endsAt"])
        about = f"until {until}, {row['createdBy'] or 'nobody named'}: {row['comment'] or '–'}"
        st.text(f"{told}\n{row['status']['state']} {about}")
        if st.button("Expire", key=f"end {row['id']}", help=f"End the silence of {escape_markdown(told)} now"):
            _do(silence_commands.ExpireSilence(row["id"]), "The silence has ended.")


def _form() -> None:
    given = st.query_params.get_all("silence")
    with st.expander("Silence alerts", expanded=bool(given)), st.form("silence", border=False):
        matchers = st.text_area(
            "Matchers, one a line; all must match",
            "\n".join(given),
            key=f"matchers {given}",
            placeholder='alertname="EscalationRateHigh"\nlane=~"large|xl"',
        )
        left, middle, right = st.columns(3)
        length = left.selectbox("For", list(SILENCE_LENGTHS_H), index=1)
        with middle:
            who = visitor.name_field("Author", "silence who")
        why = right.text_input("Reason", key="silence why").strip()
        if st.form_submit_button("Silence"):
            _put(matchers, timedelta(hours=SILENCE_LENGTHS_H[length or "2 hours"]), who, why)


def _put(matchers: str, length: timedelta, who: str, why: str) -> None:
    """Ask for the silence; what is wrong with it is said beside the form."""
    if not (who and why):
        st.warning("Not silenced: a silence needs an author and a reason, for those who wonder why it is quiet.")
        return
    now = datetime.now(UTC)
    try:
        found = [parse_matcher(line) for line in matchers.splitlines() if line.strip()]
        bodies = tuple(
            silence_commands.MatcherBody(name=m.name, value=m.value, isRegex=m.is_regex, isEqual=m.is_equal)
            for m in found
        )
        body = silence_commands.SilenceBody(
            matchers=bodies, startsAt=now, endsAt=now + length, createdBy=who, comment=why
        )
    except (ValueError, ControlSurfaceError) as problem:
        st.warning(f"Not silenced: {escape_markdown(problem)}")
        return
    _do(silence_commands.PutSilence(body), "Silenced.")


def _do(order: Command, said: str) -> None:
    try:
        collector_queries.collector_client().execute(order)
    except ControlSurfaceError as problem:
        st.warning(f"Not done: {escape_markdown(problem)}")
        return
    st.session_state[SILENCE_DONE_KEY] = said
    st.query_params.pop("silence", None)
    st.rerun()
