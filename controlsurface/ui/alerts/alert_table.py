"""Alerts on screen: the strip above a page, what fires, and what became of earlier ones."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import streamlit as st

from controlsurface.alerting import alert_queries
from controlsurface.alerting.messages.alert_text import alert_title
from controlsurface.alerting.model import SHARE_ABOVE_KEY
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.config.label_matchers import LabelMatcher
from controlsurface.formatting import format_count
from controlsurface.metrics.catalog import CATALOG
from controlsurface.ui.alerts.alert_triage import alert_triage_parameters
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text
from controlsurface.ui.elements.page_links import page_link
from controlsurface.ui.widgets.panels import panel

Row = Mapping[str, Any]

MAX_STRIP_ALERTS = 3  # alerts that the strip names
SEVERITY_ORDER = ("critical", "page", "error", "ticket", "warning", "", "info", "none")  # "": any other
NO_SLICE = "{}"
INFORMATION_SEVERITIES = ("info", "none")
INCIDENT_GAP = timedelta(hours=1)  # between the beginnings of two alerts of one incident
MAX_HISTORY_ROWS = 50  # changes and messages listed


def alerts_now() -> list[dict[str, Any]]:
    """The alerts of now, as the collector has them at this moment."""
    return as_dicts(collector_queries.run_now(alert_queries.AlertsQuery()).rows)


def alert_strip() -> None:
    """What fires, in one line each with the way to its cause; nothing where nothing fires."""
    rows = as_dicts(collector_queries.fetch_cached(alert_queries.AlertsQuery()).rows)
    firing = [row for row in rows if row["state"] == "firing" and row["held_by"] is None and _is_news(row)]
    firing = sorted((row for row in firing if not _is_information(row)), key=_order)
    if not firing:
        return
    lines = [_strip_line(row) for row in firing[:MAX_STRIP_ALERTS]]
    left = len(firing) - MAX_STRIP_ALERTS
    if left > 0:
        lines.append(html_tag("p", page_link(f"and {left} more", "alerts")))
    st.html(html_tag("section", *lines, class_="cs-strip", aria_label="Alerts that fire"))


def group_incidents(rows: Iterable[Row]) -> list[list[Row]]:
    """Alerts of one slice, or that begin within INCIDENT_GAP of one another, in the order in which to look at them."""
    groups: list[list[Row]] = []
    for row in sorted(rows, key=_order_in_time):
        group = next((each for each in groups if any(_belong_together(row, other) for other in each)), None)
        if group is None:
            groups.append([row])
        else:
            group.append(row)
    return sorted((sorted(group, key=_order) for group in groups), key=lambda group: _order(group[0]))


def _order(row: Row) -> tuple[int, datetime, str, str]:
    """What wakes somebody comes first, then what is oldest."""
    severity = _severity(row)
    urgency = SEVERITY_ORDER.index(severity) if severity in SEVERITY_ORDER else SEVERITY_ORDER.index("")
    return urgency, _began(row), row["rule"], row["labels"]


def _belong_together(one: Row, other: Row) -> bool:
    return abs(_began(one) - _began(other)) <= INCIDENT_GAP or one["slice"] == other["slice"] != NO_SLICE


def _order_in_time(row: Row) -> tuple[datetime, str, str]:
    return _began(row), row["rule"], row["labels"]


def _began(row: Row) -> datetime:
    at: datetime = row["onset"] or row["active_at"]
    return at


def _is_news(row: Row) -> bool:
    """A heartbeat always fires, and what has been resolved is in the history."""
    return not (row["state"] == "resolved" or row["kind"] == "heartbeat")


def _is_information(row: Row) -> bool:
    """Whether nobody has to act: a change that somebody made, as a saved policy."""
    return _severity(row) in INFORMATION_SEVERITIES


def _strip_line(row: Row) -> str:
    inspect = page_link("Inspect", "triage", alert_triage_parameters(row))
    since = html_tag("small", html_text(f"since {_moment(row['onset'] or row['fired_at'])}"))
    return html_tag(
        "p", html_tag("b", html_text(_severity(row))), html_tag("span", html_text(alert_headline(row))), since, inspect
    )


def alert_table(rows: Iterable[Row]) -> None:
    """What fires and what is pending, as a table of incidents."""
    names = ("State", "Alert", "Change", "Since", "Severity", "Go to")
    incidents = group_incidents(row for row in rows if _is_news(row))
    shown = sum(map(len, incidents))
    with panel("Firing and pending", f"{_counted(len(incidents), 'incident')}, {_counted(shown, 'alert')}"):
        if not incidents:
            st.caption("No active alerts.")
            return
        lines = [line for group in incidents for line in (*_incident_head(group, len(names)), *map(_line, group))]
        st.html(html_table(names, lines, "Alerts that fire or are pending"))


def _incident_head(group: Sequence[Row], columns: int) -> tuple[str, ...]:
    """A line above alerts that belong together; none above one alone."""
    if len(group) == 1:
        return ()
    words = f"Incident since {_moment(min(map(_began, group)))}: {_counted(len(group), 'alert')}"
    return (html_tag("tr", html_tag("th", html_text(words), colspan=columns, scope="rowgroup")),)


def _counted(number: int, noun: str) -> str:
    return f"{format_count(number)} {noun}{'' if number == 1 else 's'}"


def _line(row: Row) -> str:
    held = row["held_by"]
    state = "silenced" if held and held.startswith("silence") else "inhibited" if held else row["state"]
    cells = [
        html_text(row["rule"]),
        html_text(alert_headline(row)),
        html_text(_moment(_began(row))),
        html_text(_severity(row)),
    ]
    silence = page_link("Silence", "alerts", [("silence", each) for each in silence_matchers(row)])
    links = [page_link("Inspect", "triage", alert_triage_parameters(row)), silence]
    marked = html_tag(
        "td", html_text(state), class_="bad" if state == "firing" and not _is_information(row) else None, title=held
    )
    return html_tag("tr", marked, *(html_tag("td", each) for each in (*cells, " · ".join(links))))


def alert_headline(row: Row) -> str:
    """Before and after of an alert, or what its rule says of it."""
    about = orjson.loads(row["definition"] or "{}")
    metric = about.get("metric")
    evidence = orjson.loads(row["evidence"] or "{}")
    unit = "ratio" if SHARE_ABOVE_KEY in evidence else CATALOG[metric].unit if metric in CATALOG else ""
    pairs = orjson.loads(row["slice"]).items()
    said = {
        "metric": metric,
        "unit": unit,
        "slice": ", ".join(f"{name} {value or 'unknown'}" for name, value in pairs),
        "summary": orjson.loads(row["annotations"]).get("summary", ""),
        "rule": row["rule"],
        "before": row["before"],
        "after": row["value"],
        "interval": None if row["low"] is None or row["high"] is None else (row["low"], row["high"]),
        "n": row["n"],
        "why": {"evidence": evidence},
    }
    return alert_title(said)


def silence_matchers(row: Row) -> list[str]:
    """What silences exactly this alert."""
    return [str(LabelMatcher(name, value)) for name, value in orjson.loads(row["labels"]).items()]


def _severity(row: Row) -> str:
    return str(orjson.loads(row["labels"]).get("severity", ""))


def _moment(at: datetime) -> str:
    return time_zone.minute_text(at)


def alert_history() -> None:
    """What became of earlier alerts."""
    args = alert_queries.LatestArguments(limit=MAX_HISTORY_ROWS)
    rows = as_dicts(collector_queries.run_now(alert_queries.AlertHistoryQuery(args)).rows)
    with panel("History", f"the last {len(rows)} changes"):
        if rows:
            names = ("When", "Alert", "Labels", "From", "To", "Value", "n")
            st.html(html_table(names, [_change(row) for row in rows], "Changes of alerts"))
        else:
            st.caption("No alert has changed yet.")


def _change(row: Row) -> str:
    labels = {name: value for name, value in orjson.loads(row["labels"]).items() if name != "alertname"}
    cells = (
        _moment(row["at"]),
        row["rule"],
        ", ".join(f"{name} {value}" for name, value in labels.items()),
        row["was"] or "–",
        row["state"] or "gone",
        "–" if row["value"] is None else f"{row['value']:.4g}",
        "–" if row["n"] is None else format_count(row["n"]),
    )
    return html_tag("tr", *(html_tag("td", html_text(each)) for each in cells))


def alert_messages() -> None:
    """What was sent, waits, or was given up."""
    args = alert_queries.LatestArguments(limit=MAX_HISTORY_ROWS)
    rows = as_dicts(collector_queries.run_now(alert_queries.NotificationsQuery(args)).rows)
    stuck = sum(row["state"] != "sent" for row in rows)
    with panel("Notifications", f"the last {len(rows)}; {stuck} not delivered"):
        if rows:
            names = ("When", "To", "State", "About", "Attempts", "Problem")
            st.html(html_table(names, [_message(row) for row in rows], "Messages about alerts"))
        else:
            st.caption("Nothing was sent. [delivery.notifiers] in the configuration names who is told.")


def _message(row: Row) -> str:
    cells = (row["title"] or row["reason"], row["attempts"], row["problem"])
    state = html_tag("td", html_text(row["state"]), class_="bad" if row["state"] == "dead" else None)
    head = (html_tag("td", html_text(_moment(row["created_at"]))), html_tag("td", html_text(row["notifier"])), state)
    return html_tag("tr", *head, *(html_tag("td", html_text(each)) for each in cells))
