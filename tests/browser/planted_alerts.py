"""A store with two simulated events, each with the alert that its rule would have left: an incident and an upgrade."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.model import Alert, RuleReading, label_set
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet
from controlsurface.alerting.rules.rule_models import RULE_CLASSES, RuleGroup
from controlsurface.demo.demo_company import DemoSettings
from controlsurface.store.duckdb import DuckStore
from tests.demo.demo_store import stored

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
    "alert": "EscalationRateDrift",
    "metric": "escalation_rate",
    "drift": {"tolerance": 1.2},
    "labels": {"severity": "page"},
}


@dataclass(frozen=True)
class PlantedAlerts:
    """The store, and when each event began: the incident two weeks ago, the upgrade a day ago."""

    store: DuckStore
    incident_at: datetime
    upgrade_at: datetime


def plant_alerts(now: datetime) -> PlantedAlerts:
    """Traffic of both, fourteen days apart so that neither knows the other's versions; and both alerts, firing."""
    incident, upgrade = now - 14 * DAY - 8 * HOUR, now - DAY
    store = stored(DemoSettings(1, "upgrade", event_at=upgrade), now - 2 * DAY, now)
    stored(DemoSettings(2, "incident", event_at=incident), incident - 12 * HOUR, incident + 8 * HOUR, into=store)
    seen = incident + 8 * HOUR
    extraction = {"task_type": "extraction"}
    _fire(
        store,
        [
            _alert(THRESHOLD, RuleReading(extraction, True, 0.42, 90, 0.32, 0.52, 0.3), seen - HOUR, seen),
            _alert(DRIFT, RuleReading({}, True, 0.15, 1400, 0.13, 0.17, None, 0.19, upgrade), upgrade + 8 * HOUR, now),
        ],
    )
    return PlantedAlerts(store, incident, upgrade)


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
