"""What an alert says: the one JSON that all channels send or show. Times are RFC 3339, unknown is null."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from controlsurface.alerting.delivery.outbox import OutboxMessage
from controlsurface.alerting.messages import sparkline
from controlsurface.alerting.messages.alert_evidence import AlertEvidence, explained_metric, gather_evidence
from controlsurface.alerting.messages.alert_text import alert_title, reason_sentence
from controlsurface.alerting.model import Episode
from controlsurface.client import Client
from controlsurface.config.label_matchers import LabelMatcher

PAYLOAD_VERSION = "1"
MAX_EXPLAINED_ALERTS = 5  # alerts of one message whose causes are looked for; the others say so
ONE_MINUTE = timedelta(minutes=1)

JsonObject = dict[str, Any]


def compose_payload(reader: Client, message: OutboxMessage, dashboard: str, now: datetime) -> JsonObject:
    """The whole payload of a message; `dashboard` is its address."""
    episodes = [*message.firing, *message.resolved]
    alerts = [
        alert_payload(each, gather_evidence(reader, each, now) if i < MAX_EXPLAINED_ALERTS else None, dashboard)
        for i, each in enumerate(episodes)
    ]
    return message_payload(message, alerts)


def message_payload(message: OutboxMessage, alerts: Sequence[JsonObject]) -> JsonObject:
    """The payload of a message with these alerts."""
    return {
        "version": PAYLOAD_VERSION,
        "id": message.id,
        "state": "firing" if message.firing else "resolved",
        "reason": message.reason,
        "title": _headline(message, alerts),
        "group": {"key": message.group, "labels": dict(message.labels)},
        "firing": len(message.firing),
        "resolved": len(message.resolved),
        "alerts": list(alerts),
    }


def _headline(message: OutboxMessage, alerts: Sequence[JsonObject]) -> str:
    """One line: of the one alert, or how many there are of which name."""
    state = "Firing" if message.firing else "Resolved"
    if len(alerts) == 1:
        return f"{state}: {alerts[0]['title']}"
    named = ", ".join(f"{name} {value}" for name, value in message.labels.items() if name != "alertname")
    count = len(message.firing) or len(message.resolved)
    over = f", {len(message.resolved)} over" if message.firing and message.resolved else ""
    name = message.labels.get("alertname") or "alerts"
    return f"{state}: {count} × {name}{f' ({named})' if named else ''}{over}"


def alert_payload(episode: Episode, found: AlertEvidence | None, dashboard: str) -> JsonObject:
    """One alert. `found` None: nobody looked for its causes."""
    facts = episode.facts
    after = facts.value if facts.value is not None else found.after if found and facts.metric else None
    before = facts.before if facts.before is not None else found.before if found and facts.metric else None
    about: JsonObject = {
        "key": episode.key,
        "state": "firing" if episode.fires else "resolved",
        "severity": episode.labels.get("severity", ""),
        "rule": facts.rule,
        "labels": dict(episode.labels),
        "annotations": facts.annotations,
        "summary": facts.annotations.get("summary", ""),
        "slice": ", ".join(_named(pair) for pair in facts.where),
        "metric": facts.metric,
        "unit": facts.unit,
        "before": before,
        "after": after,
        "interval": None if facts.low is None or facts.high is None else [facts.low, facts.high],
        "n": facts.n if facts.n is not None else found.n if found else None,
        "since": (facts.onset or episode.starts_at).isoformat(),
        "starts_at": episode.starts_at.isoformat(),
        "ends_at": episode.ends_at.isoformat() if episode.ends_at else None,
        "owner": episode.labels.get("owner") or facts.annotations.get("owner"),
        "why": {
            "rule": facts.rule,
            "sentence": reason_sentence(facts),
            "threshold": facts.threshold,
            "evidence": facts.evidence,
            "false_alarms_per_week": facts.false_alarms_per_week,
        },
        "links": _links(episode, found, dashboard),
    }
    about |= _evidence_fields(found)
    return about | {"title": alert_title(about)}


def _named(pair: str) -> str:
    name, _, value = pair.partition(":")
    return f"{name} {value or 'unknown'}"


def _evidence_fields(found: AlertEvidence | None) -> JsonObject:
    """What was asked of the requests; contributors are in the metric's own unit, or in shares above its bound."""
    if found is None:
        missing = {"contributors": f"only the first {MAX_EXPLAINED_ALERTS} alerts of a message are looked into"}
        nothing: JsonObject = {"contributors": [], "unexplained": [], "event": None, "sparkline": _sparkline_fields(())}
        return nothing | {"missing": missing}
    names = ("dimension", "value", "before", "after", "delta", "share", "mix", "rate", "n")
    rest = found.unexplained.items()
    return {
        "contributors": [{name: row[name] for name in names} | {"unit": found.unit} for row in found.contributors],
        "unexplained": [{"dimension": name, "delta": delta, "unit": found.unit} for name, delta in rest],
        "event": found.event and {name: _json_number(value) for name, value in found.event.items()},
        "sparkline": _sparkline_fields(found.course),
        "missing": dict(found.missing),
    }


def _json_number(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _sparkline_fields(course: Sequence[float | None]) -> JsonObject:
    """As text, and as a PNG in base64."""
    return {"text": sparkline.sparkline_text(course), "png": base64.b64encode(sparkline.sparkline_png(course)).decode()}


def _links(episode: Episode, found: AlertEvidence | None, dashboard: str) -> JsonObject:
    """Where to look and what to do; the window holds the data that the alert is about."""
    root = dashboard.rstrip("/")
    facts, at = episode.facts, episode.ends_at or episode.starts_at
    start, end = (found.window.start, found.window.end) if found else (episode.starts_at - timedelta(hours=1), at)
    view = _view_query(start - (end - start), end, facts.where)
    last = _minute(end + ONE_MINUTE)
    spike = {
        "alert": episode.key,
        "metric": explained_metric(facts) or "",
        "spike_from": _minute(start),
        "spike_to": last,
    }
    matchers = [str(LabelMatcher(name, value)) for name, value in sorted(episode.labels.items())]
    return {
        "dashboard": f"{root}/triage?{urlencode([*view, *spike.items()])}",
        "traces": f"{root}/traces?{urlencode(_view_query(start, end, facts.where))}",
        "silence": f"{root}/alerts?{urlencode([('silence', each) for each in matchers])}",
        "accept_baseline": f"{root}/alerts?{urlencode({'accept': facts.rule})}" if facts.kind == "drift" else None,
        "runbook": facts.annotations.get("runbook_url") or None,
    }


def _view_query(start: datetime, end: datetime, where: Sequence[str]) -> list[tuple[str, str]]:
    """The part of an address that shows a window and filters."""
    pairs = [pair.partition(":")[::2] for pair in where]
    filters = [(name, value or "(unknown)") for name, value in pairs]
    return [("range", "custom"), ("from", _minute(start)), ("to", _minute(end + ONE_MINUTE)), *filters]


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}"
