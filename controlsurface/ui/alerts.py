"""Alerts on screen: the strip above a page, what fires, and what became of earlier ones."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import streamlit as st

from controlsurface.alerting import asked
from controlsurface.alerting.episodes import SHARE
from controlsurface.alerting.payload_text import title
from controlsurface.formatting import format_count
from controlsurface.matchers import Matcher
from controlsurface.metrics.catalog import CATALOG
from controlsurface.reader.rows import records
from controlsurface.ui import reading
from controlsurface.ui.bar import FILTERS, NOT_SAID, custom
from controlsurface.ui.markup import table, tag, text
from controlsurface.ui.panels import panel
from controlsurface.ui.selection import spiked

Row = Mapping[str, Any]

STRIP = 3  # alerts that the strip names
URGENT = ("page", "ticket")
MOST = 50  # changes and messages listed
HOUR = timedelta(hours=1)


def now() -> list[dict[str, Any]]:
    """The alerts of now, as the collector has them at this moment."""
    return records(reading.answer(lambda: reading.reader().ask(asked.Alerts())).rows)


def strip() -> None:
    """What fires, in one line each with the way to its cause; nothing where nothing fires."""
    rows = records(reading.ask(asked.Alerts()).rows)
    firing = [row for row in rows if row["state"] == "firing" and row["held_by"] is None and row["kind"] != "heartbeat"]
    if not firing:
        return
    firing.sort(key=_urgency)
    lines = [_strip_line(row) for row in firing[:STRIP]]
    left = len(firing) - STRIP
    if left > 0:
        lines.append(tag("p", tag("a", text(f"and {left} more"), href="alerts", class_="cs-link")))
    st.html(tag("section", *lines, class_="cs-strip", aria_label="Alerts that fire"))


def _urgency(row: Row) -> int:
    """What wakes somebody comes first."""
    severity = _severity(row)
    return URGENT.index(severity) if severity in URGENT else len(URGENT)


def _strip_line(row: Row) -> str:
    inspect = tag("a", text("Inspect"), href=address(row), class_="cs-link")
    since = tag("small", text(f"since {_moment(row['onset'] or row['fired_at'])}"))
    return tag("p", tag("b", text(_severity(row))), tag("span", text(headline(row))), since, inspect)


def listing(rows: Iterable[Row]) -> None:
    """What fires and what is pending, as a table; a heartbeat always fires, and is no news."""
    names = ("State", "Alert", "Change", "Since", "Severity", "Go to")
    lines = [_line(row) for row in rows if row["state"] != "resolved" and row["kind"] != "heartbeat"]
    with panel("Firing and pending", f"{len(lines)} now"):
        if lines:
            st.html(table(names, lines, "Alerts that fire or are pending"))
        else:
            st.caption("Nothing fires, and nothing is about to.")


def _line(row: Row) -> str:
    held = row["held_by"]
    state = "silenced" if held and held.startswith("silence") else "inhibited" if held else row["state"]
    cells = [
        text(row["rule"]),
        text(headline(row)),
        text(_moment(row["onset"] or row["active_at"])),
        text(_severity(row)),
    ]
    ways = (("Inspect", address(row)), ("Silence", f"alerts?{urlencode([('silence', m) for m in matchers(row)])}"))
    links = [tag("a", text(name), href=href, class_="cs-link") for name, href in ways]
    marked = tag("td", text(state), class_="bad" if state == "firing" else None, title=held)
    return tag("tr", marked, *(tag("td", each) for each in (*cells, " · ".join(links))))


def headline(row: Row) -> str:
    """Before and after of an alert, or what its rule says of it."""
    about = orjson.loads(row["definition"] or "{}")
    metric = about.get("metric")
    evidence = orjson.loads(row["evidence"] or "{}")
    unit = "ratio" if SHARE in evidence else CATALOG[metric].unit if metric in CATALOG else ""
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
    return title(said)


def matchers(row: Row) -> list[str]:
    """What silences exactly this alert."""
    return [str(Matcher(name, value)) for name, value in orjson.loads(row["labels"]).items()]


def address(row: Row) -> str:
    """The triage of the alert's slice, from its onset on, with as much before it."""
    about = orjson.loads(row["definition"] or "{}")
    end = row["resolved_at"] or datetime.now(UTC)
    start = min(row["onset"] or row["active_at"], end - HOUR / 4)
    view = custom(start - max(6 * HOUR, end - start), end)
    filters = {name: value or NOT_SAID for name, value in orjson.loads(row["slice"]).items() if name in FILTERS}
    metric = {"metric": about["metric"]} if "metric" in about else {}
    return f"triage?{urlencode({**view, **filters, **metric, **spiked(start, end)})}"


def _severity(row: Row) -> str:
    return str(orjson.loads(row["labels"]).get("severity", ""))


def _moment(at: datetime) -> str:
    return f"{at:%b %d %H:%M} UTC"


def history() -> None:
    """What became of earlier alerts."""
    args = asked.Latest(limit=MOST)
    rows = records(reading.answer(lambda: reading.reader().ask(asked.History(args))).rows)
    with panel("History", f"the last {len(rows)} changes"):
        if rows:
            names = ("When", "Alert", "Labels", "From", "To", "Value", "n")
            st.html(table(names, [_change(row) for row in rows], "Changes of alerts"))
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
    return tag("tr", *(tag("td", text(each)) for each in cells))


def messages() -> None:
    """What was sent, waits, or was given up."""
    args = asked.Latest(limit=MOST)
    rows = records(reading.answer(lambda: reading.reader().ask(asked.Messages(args))).rows)
    stuck = sum(row["state"] != "sent" for row in rows)
    with panel("Messages", f"the last {len(rows)}; {stuck} not delivered"):
        if rows:
            names = ("When", "To", "State", "About", "Attempts", "Problem")
            st.html(table(names, [_message(row) for row in rows], "Messages about alerts"))
        else:
            st.caption("Nothing was sent. [delivery.notifiers] in the configuration names who is told.")


def _message(row: Row) -> str:
    cells = (row["title"] or row["reason"], row["attempts"], row["problem"])
    state = tag("td", text(row["state"]), class_="bad" if row["state"] == "dead" else None)
    head = (tag("td", text(_moment(row["created_at"]))), tag("td", text(row["notifier"])), state)
    return tag("tr", *head, *(tag("td", text(each)) for each in cells))
