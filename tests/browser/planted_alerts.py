"""A store with two simulated events, each with the alert that its rule would have left: an incident and an upgrade."""

from datetime import UTC, datetime, timedelta
from typing import Any

from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.model import Alert, RuleReading, label_set
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet
from controlsurface.alerting.rules.rule_models import RULE_CLASSES, RuleGroup
from controlsurface.demo.demo_company import DemoSettings
from controlsurface.store.duckdb import DuckStore
from tests.demo.demo_store import stored

INCIDENT_AT = datetime(2026, 1, 5, 12, tzinfo=UTC)  # the simulation is the same every day that the test runs
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THRESHOLD = {
    "alert": "EscalationRateHigh",
    "metric": "escalation_rate",
    "by": ["task_type"],
    "over": "12h",
    "above": 0.3,
    "labels": {"severity": "page"},
    "annotations": {"summary": "many escalate", "runbook_url": "https://runbooks.example/escalation"},
}
DRIFT = {
    "alert": "KnifeEdgeDrift",
    "metric": "confidence_knife_edge",
    "drift": {"tolerance": 1.2},
    "labels": {"severity": "page"},
}


def plant_alerts(now: datetime) -> DuckStore:
    """Traffic of both, so far apart that neither knows the other's versions; and both alerts, firing.

    The incident lasts eight hours, the upgrade began a day ago: its router is surer, whoever asks.
    """
    upgrade, seen = now.replace(minute=0) - DAY, INCIDENT_AT + 8 * HOUR
    store = stored(DemoSettings(1, "upgrade", rate=0.02, event_at=upgrade), now - 2 * DAY, now)
    incident = DemoSettings(2, "incident", rate=0.025, event_at=INCIDENT_AT)
    stored(incident, INCIDENT_AT - 16 * HOUR, seen, into=store)
    high = RuleReading({"task_type": "extraction"}, True, 0.42, 90, 0.32, 0.52, 0.3)
    fell = RuleReading({}, True, 0.03, 1400, before=0.08, onset=upgrade)
    _fire(store, [_alert(THRESHOLD, high, seen - HOUR, seen), _alert(DRIFT, fell, upgrade + 8 * HOUR, now)])
    return store


def _rule(definition: dict[str, Any]) -> Any:
    return RULE_CLASSES["drift" if "drift" in definition else "threshold"].model_validate(definition)


def _alert(definition: dict[str, Any], reading: RuleReading, since: datetime, seen: datetime) -> Alert:
    rule = _rule(definition)
    labels = label_set({"alertname": rule.alert, **reading.slice}, rule.labels)
    return Alert(rule.alert, labels, "firing", since, reading, seen, definition.get("annotations", {}), fired_at=since)


def _fire(store: DuckStore, alerts: list[Alert]) -> None:
    rules = RuleGroup(name="routing", rules=(_rule(THRESHOLD), _rule(DRIFT)))
    with store.writing() as writing:
        alert_store.write_rules(writing, RuleSet((LoadedRuleGroup("routing.yaml", rules),)))
        alert_store.write_alerts(writing, alerts, [])
