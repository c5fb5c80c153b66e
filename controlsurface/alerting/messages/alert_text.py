"""The words of a payload: figures with their units, titles, and the whole as plain text."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from controlsurface.alerting.model import SHARE_ABOVE_KEY, AlertSnapshot
from controlsurface.formatting import format_difference, format_interval, format_period, format_ratio, format_value

AlertPayload = Mapping[str, Any]

_LINK_TITLES = {
    "dashboard": "Inspect",
    "traces": "Sample traces",
    "silence": "Silence",
    "accept_baseline": "Accept as baseline",
    "runbook": "Runbook",
}


def measured_text(metric: str, evidence: Mapping[str, Any]) -> str:
    """What was measured, in words: a metric, or how many lie above its usual values."""
    name = metric.replace("_", " ")
    return f"share above the usual {name} ({evidence[SHARE_ABOVE_KEY]})" if SHARE_ABOVE_KEY in evidence else name


def reason_sentence(facts: AlertSnapshot) -> str:
    """Why the rule fires, in one sentence."""
    if facts.metric is None or facts.value is None:
        return facts.annotations.get("summary") or f"the rule {facts.rule} fires"
    name = measured_text(facts.metric, facts.evidence)
    over = f" over {format_period(timedelta(seconds=facts.over_s))}" if facts.over_s else ""
    found = f"{name}{over} is {format_value(facts.value, facts.unit)}"
    if facts.threshold is None or facts.kind == "drift":
        if facts.before is None:
            return found
        return f"{found}, not {format_value(facts.before, facts.unit)} as in its baseline"
    return f"{found}, {'above' if facts.above else 'below'} {format_value(facts.threshold, facts.unit)}"


def alert_title(alert: AlertPayload) -> str:
    """Before and after with unit, interval and n; without a metric what the rule says of itself."""
    where = f" of {alert['slice']}" if alert["slice"] else ""
    if alert["metric"] is None:
        return alert["summary"] or f"{alert['rule']}{where}"
    name, unit = measured_text(alert["metric"], alert["why"]["evidence"]), alert["unit"]
    name = name[0].upper() + name[1:]
    before = f"{format_value(alert['before'], unit)} → " if alert["before"] is not None else ""
    return f"{name}{where} {before}{format_value(alert['after'], unit)}{_interval_text(alert)}"


def _interval_text(alert: AlertPayload) -> str:
    parts = []
    if alert["interval"]:
        low, high = alert["interval"]
        parts.append(format_interval(low, high, alert["unit"]))
    if alert["n"] is not None:
        parts.append(f"n = {alert['n']:,}")
    return f" ({', '.join(parts)})" if parts else ""


def context_line(alert: AlertPayload) -> str:
    """Severity, since when, and why."""
    severity = f"{alert['severity']} · " if alert["severity"] else ""
    return f"{severity}since {_utc_text(alert['since'])} · {alert['why']['sentence']}"


def cause_text(alert: AlertPayload) -> str:
    """The value that explains most, and the change nearby; nothing where neither is known."""
    told = []
    if alert["contributors"]:
        told.append(f"top contributor: {contribution_text(alert['contributors'][0])}")
    if alert["event"]:
        told.append(f"{alert['event']['kind']} nearby: {alert['event']['title']} at {_utc_text(alert['event']['at'])}")
    return " · ".join(told)


def contribution_text(row: AlertPayload) -> str:
    """One contributor with its share of the metric's change, split into mix and rate."""
    delta, mix, rate = (format_difference(row[name], row["unit"]) for name in ("delta", "mix", "rate"))
    share = f"{format_ratio(row['share'])} of the change, " if row["share"] is not None else ""
    return f"{row['dimension']} {row['value'] or 'unknown'} {delta} ({share}mix {mix}, rate {rate}, n = {row['n']:,})"


def _unexplained(alert: AlertPayload) -> str:
    """What the contributors shown leave of the change, by dimension."""
    return ", ".join(
        f"{format_difference(row['delta'], row['unit'])} by {row['dimension']}" for row in alert["unexplained"]
    )


def alert_links(alert: AlertPayload) -> list[tuple[str, str]]:
    """What can be followed: name and address."""
    return [(name, alert["links"][key]) for key, name in _LINK_TITLES.items() if alert["links"].get(key)]


def payload_as_text(payload: Mapping[str, Any]) -> str:
    """The whole payload as plain text."""
    return "\n".join(_lines(payload)) + "\n"


def _lines(payload: Mapping[str, Any]) -> Iterator[str]:
    if payload["title"]:
        yield payload["title"]
    for alert in payload["alerts"]:
        yield ""
        yield f"{alert['title']}{'' if alert['state'] == 'firing' else ' (over)'}"
        yield from _details(alert)


def _details(alert: AlertPayload) -> Iterator[str]:
    yield context_line(alert)
    if alert["sparkline"]["text"]:
        yield alert["sparkline"]["text"]
    yield from (f"  {contribution_text(row)}" for row in alert["contributors"])
    if alert["contributors"]:
        yield f"  Unexplained: {_unexplained(alert)}"
    if alert["event"]:
        event = alert["event"]
        yield f"Change nearby: {event['kind']} {event['title']}, {_utc_text(event['at'])}"
    yield from (f"{part} is missing: {reason}" for part, reason in alert["missing"].items())
    if (expected := alert["why"]["false_alarms_per_week"]) is not None:
        yield f"Expected false alarms: {expected:g} a week"
    if alert["owner"]:
        yield f"Owner: {alert['owner']}"
    yield from (f"{name}: {url}" for name, url in alert_links(alert))


def _utc_text(text: str) -> str:
    """`2026-01-05T12:00:00+00:00` as people read it; all times are UTC."""
    return f"{text[:10]} {text[11:16]} UTC"
