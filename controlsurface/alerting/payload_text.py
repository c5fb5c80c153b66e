"""The words of a payload: figures with their units, titles, and the whole as plain text."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from controlsurface.alerting.episodes import SHARE, Facts

Alert = Mapping[str, Any]

_LINKS = {
    "dashboard": "Inspect",
    "traces": "Sample traces",
    "silence": "Silence",
    "accept_baseline": "Accept as baseline",
    "runbook": "Runbook",
}


def shown(value: float | None, unit: str) -> str:
    """A figure as people write it."""
    if value is None:
        return "unknown"
    if unit == "ratio":
        return f"{value * 100:.1f} %"
    if unit == "usd":
        return f"${value:,.2f}" if abs(value) >= 1 else f"${value:.4f}"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} ms" if unit == "ms" else text


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    length = timedelta(seconds=seconds)
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        if length >= size and not length % size:
            return f"{length // size}{unit}"
    return f"{seconds:g}s"


def figure(metric: str, evidence: Mapping[str, Any]) -> str:
    """What was measured, in words: a metric, or how many lie above its usual values."""
    name = metric.replace("_", " ")
    return f"share above the usual {name} ({evidence[SHARE]})" if SHARE in evidence else name


def sentence(facts: Facts) -> str:
    """Why the rule fires, in one sentence."""
    if facts.metric is None or facts.value is None:
        return facts.annotations.get("summary") or f"the rule {facts.rule} fires"
    name = figure(facts.metric, facts.evidence)
    over = f" over {span(facts.over_s)}" if facts.over_s else ""
    found = f"{name}{over} is {shown(facts.value, facts.unit)}"
    if facts.threshold is None or facts.kind == "drift":
        before = f", not {shown(facts.before, facts.unit)} as in its baseline" if facts.before is not None else ""
        return found + before
    return f"{found}, {'above' if facts.above else 'below'} {shown(facts.threshold, facts.unit)}"


def title(alert: Alert) -> str:
    """Before and after with unit, interval and n; without a metric what the rule says of itself."""
    where = f" of {alert['slice']}" if alert["slice"] else ""
    if alert["metric"] is None:
        return alert["summary"] or f"{alert['rule']}{where}"
    name, unit = figure(alert["metric"], alert["why"]["evidence"]), alert["unit"]
    name = name[0].upper() + name[1:]
    before = f"{shown(alert['before'], unit)} → " if alert["before"] is not None else ""
    return f"{name}{where} {before}{shown(alert['after'], unit)}{_certainty(alert)}"


def _certainty(alert: Alert) -> str:
    parts = []
    if alert["interval"]:
        low, high = (shown(each, alert["unit"]) for each in alert["interval"])
        parts.append(f"{low} to {high}")
    if alert["n"] is not None:
        parts.append(f"n = {alert['n']:,}")
    return f" ({', '.join(parts)})" if parts else ""


def facts_line(alert: Alert) -> str:
    """Severity, since when, and why."""
    severity = f"{alert['severity']} · " if alert["severity"] else ""
    return f"{severity}since {_moment(alert['since'])} · {alert['why']['sentence']}"


def cause(alert: Alert) -> str:
    """The value that explains most, and the change nearby; nothing where neither is known."""
    told = []
    if alert["contributors"]:
        told.append(f"top contributor: {contribution(alert['contributors'][0])}")
    if alert["event"]:
        told.append(f"{alert['event']['kind']} nearby: {alert['event']['title']} at {_moment(alert['event']['at'])}")
    return " · ".join(told)


def contribution(row: Alert) -> str:
    """One contributor with its share of the metric's change, split into mix and rate."""
    delta, mix, rate = (_change(row[name], row["unit"]) for name in ("delta", "mix", "rate"))
    share = f"{row['share'] * 100:.0f} % of the change, " if row["share"] is not None else ""
    return f"{row['dimension']} {row['value'] or 'unknown'} {delta} ({share}mix {mix}, rate {rate}, n = {row['n']:,})"


def _unexplained(alert: Alert) -> str:
    """What the contributors shown leave of the change, by dimension."""
    return ", ".join(f"{_change(row['delta'], row['unit'])} by {row['dimension']}" for row in alert["unexplained"])


def _change(value: float, unit: str) -> str:
    """A difference with its sign; of shares in percentage points."""
    if unit == "ratio":
        return f"{value * 100:+.1f} pp"
    return ("+" if value >= 0 else "−") + shown(abs(value), unit)


def links(alert: Alert) -> list[tuple[str, str]]:
    """What can be followed: name and address."""
    return [(name, alert["links"][key]) for key, name in _LINKS.items() if alert["links"].get(key)]


def written(payload: Mapping[str, Any]) -> str:
    """The whole payload as plain text."""
    return "\n".join(_lines(payload)) + "\n"


def _lines(payload: Mapping[str, Any]) -> Iterator[str]:
    if payload["title"]:
        yield payload["title"]
    for alert in payload["alerts"]:
        yield ""
        yield f"{alert['title']}{'' if alert['state'] == 'firing' else ' (over)'}"
        yield from _details(alert)


def _details(alert: Alert) -> Iterator[str]:
    yield facts_line(alert)
    if alert["sparkline"]["text"]:
        yield alert["sparkline"]["text"]
    yield from (f"  {contribution(row)}" for row in alert["contributors"])
    if alert["contributors"]:
        yield f"  Unexplained: {_unexplained(alert)}"
    if alert["event"]:
        event = alert["event"]
        yield f"Change nearby: {event['kind']} {event['title']}, {_moment(event['at'])}"
    yield from (f"{part} is missing: {reason}" for part, reason in alert["missing"].items())
    if (expected := alert["why"]["false_alarms_per_week"]) is not None:
        yield f"Expected false alarms: {expected:g} a week"
    if alert["owner"]:
        yield f"Owner: {alert['owner']}"
    yield from (f"{name}: {url}" for name, url in links(alert))


def _moment(text: str) -> str:
    """`2026-01-05T12:00:00+00:00` as people read it; all times are UTC."""
    return f"{text[:10]} {text[11:16]} UTC"
