"""The alert that triage is about: rule, severity, since when, runbook; and a silence with an owner and an end."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import streamlit as st

from controlsurface.alerting import alert_queries
from controlsurface.alerting.delivery import silence_commands
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_duration
from controlsurface.ui.alerts.alert_table import alert_headline
from controlsurface.ui.alerts.alert_triage import ALERT_PARAMETER, alert_key
from controlsurface.ui.alerts.silence_panel import SILENCE_LENGTHS_H
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text

Row = Mapping[str, Any]
ACKNOWLEDGED_KEY = "_acknowledged"  # in the session: what to say of an acknowledgement once the page is drawn anew
DEFAULT_LENGTH = "2 hours"


def chosen_alert() -> dict[str, Any] | None:
    """The alert that the address names, with its key; None for none, and for one that is no longer listed."""
    key = st.query_params.get(ALERT_PARAMETER, "")
    if not key:
        return None
    rows = as_dicts(collector_queries.run_now(alert_queries.AlertsQuery()).rows)
    return next((row for row in rows if alert_key(row) == key), None)


def alert_header(alert: Row | None) -> None:
    """Draw it; a line says so where the alert of the address is no longer listed, nothing without one."""
    if alert is None:
        if st.query_params.get(ALERT_PARAMETER):
            st.caption("The alert of this link is over and no longer listed. The window and slice are those it had.")
        return
    silenced = bool(alert["held_by"]) and str(alert["held_by"]).startswith("silence")
    with st.container(border=True, gap="small"):
        st.html(_facts(alert, silenced=silenced))
        if said := st.session_state.pop(ACKNOWLEDGED_KEY, ""):
            st.success(escape_markdown(said))
        if alert["state"] == "firing" and not silenced:
            _acknowledge_form(alert)


def _facts(alert: Row, *, silenced: bool) -> str:
    """What it is, in one line, and what it says of itself under it."""
    labels, annotations = (orjson.loads(alert[name]) for name in ("labels", "annotations"))
    severity = labels.get("severity", "")
    state = "silenced" if silenced else alert["state"]
    parts = [
        html_tag("b", html_text(alert["rule"])),
        html_tag("span", html_text(state), class_="bad" if state == "firing" else None),
        *([html_tag("span", html_text(f"severity {severity}"))] if severity else []),
        html_tag("span", html_text(alert_time(alert, datetime.now(UTC)))),
        *(_runbook(annotations[name]) for name in RUNBOOK_ANNOTATIONS if annotations.get(name)),
    ]
    told = html_tag("p", html_text(alert_headline(alert)), class_="cs-quiet")
    held = html_tag("p", html_text(f"Not sent: {alert['held_by']}"), class_="cs-quiet") if alert["held_by"] else ""
    return html_tag("section", html_tag("p", *parts), told, held, class_="cs-alert", aria_label="Alert")


RUNBOOK_ANNOTATIONS = ("runbook_url", "runbook")


def _runbook(address: str) -> str:
    """An annotation as a link where it is an address of the web, else as it is written."""
    if address.startswith(("https://", "http://")):
        return html_tag("a", "Runbook", href=address, class_="cs-link", rel="noopener noreferrer")
    return html_tag("span", html_text(f"Runbook: {address}"))


def alert_time(alert: Row, now: datetime) -> str:
    """Since when it fires, or how long it did."""
    began = alert["onset"] or alert["active_at"]
    if alert["state"] == "resolved" and alert["resolved_at"]:
        length = format_duration(alert["resolved_at"] - began)
        return f"resolved {time_zone.minute_text(alert['resolved_at'])}, after {length}"
    return f"since {time_zone.minute_text(began)}, {format_duration(now - began)} ago"


def acknowledgement(
    alert: Row, author: str, reason: str, length: timedelta, now: datetime
) -> silence_commands.PutSilence:
    """A silence of exactly this alert, with an owner, a reason and an end."""
    labels = orjson.loads(alert["labels"])
    body = silence_commands.SilenceBody(
        matchers=tuple(silence_commands.MatcherBody(name=name, value=value) for name, value in labels.items()),
        startsAt=now,
        endsAt=now + length,
        createdBy=author,
        comment=reason,
    )
    return silence_commands.PutSilence(body)


def _acknowledge_form(alert: Row) -> None:
    """One press silences the alert for a while; who and why are there already and can be changed."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        known = visitor.visitor_name()
        author = st.text_input(
            "Owner", known or _local_user(), disabled=bool(known), key="acknowledge owner", width=150
        )
        reason = st.text_input("Reason", "Looking into it", key="acknowledge reason", width=230)
        length = st.selectbox(
            "For",
            list(SILENCE_LENGTHS_H),
            index=list(SILENCE_LENGTHS_H).index(DEFAULT_LENGTH),
            key="acknowledge length",
            width=140,
        )
        if st.button("Acknowledge", type="primary", help="Silence exactly this alert until then, in your name"):
            _acknowledge(alert, author.strip(), reason.strip(), timedelta(hours=SILENCE_LENGTHS_H[length]))


def _local_user() -> str:
    """Who runs the dashboard, where nobody signs in and so nobody else can open it; else nobody."""
    if visitor.users_by_token():
        return ""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _acknowledge(alert: Row, author: str, reason: str, length: timedelta) -> None:
    if not (author and reason):
        st.warning("Not silenced: a silence needs an owner and a reason, for those who wonder why it is quiet.")
        return
    now = datetime.now(UTC)
    try:
        collector_queries.collector_client().execute(acknowledgement(alert, author, reason, length, now))
    except (ValueError, ControlSurfaceError) as problem:
        st.warning(f"Not done: {escape_markdown(problem)}")
        return
    st.session_state[ACKNOWLEDGED_KEY] = f"Acknowledged by {author} until {time_zone.minute_text(now + length)}."
    collector_queries.clear_query_cache()
    st.rerun()
