"""A store in which one rule fires, as the alert loop leaves it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controlsurface.alerting.delivery.outbox import enqueue_alerts
from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.model import Alert, AlertTransition, RuleReading, label_set
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet
from controlsurface.alerting.rules.rule_models import RuleGroup, ThresholdRule
from controlsurface.store.duckdb import DuckStore

RULE = ThresholdRule.model_validate(
    {
        "alert": "EscalationRateHigh",
        "metric": "escalation_rate",
        "by": ["task_type"],
        "above": 0.3,
        "labels": {"severity": "page"},
        "annotations": {"summary": "Many {{ $labels.task_type }} requests escalate"},
    }
)


def store_firing_alert(store: DuckStore, now: datetime | None = None, file: str = "routing.yaml") -> Alert:
    """Let RULE fire for `code`, for ten minutes by now."""
    now = now or datetime.now(UTC)
    since = now - timedelta(minutes=10)
    about = RuleReading({"task_type": "code"}, True, 0.42, 600, 0.38, 0.46, 0.3, 0.12, since - timedelta(minutes=5))
    key = label_set({"alertname": RULE.alert, "task_type": "code"}, RULE.labels)
    told = {"summary": "Many code requests escalate"}
    alert = Alert(RULE.alert, key, "firing", since, about, now, told, fired_at=since)
    with store.writing() as writing:
        alert_store.write_rules(writing, RuleSet((LoadedRuleGroup(file, RuleGroup(name="routing", rules=(RULE,))),)))
        alert_store.write_alerts(writing, [alert], [])
        alert_store.write_alert_history(writing, [AlertTransition(RULE.alert, key, None, alert, since)])
        enqueue_alerts(writing, [(RULE, alert)], now)
    return alert


def resolve_alert(alert: Alert, now: datetime) -> Alert:
    return replace(alert, state="resolved", resolved_at=now)
