"""A store in which one rule fires, as the alert loop leaves it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controlsurface.alerting import kept
from controlsurface.alerting.files import RuleSet, Source
from controlsurface.alerting.labels import labels
from controlsurface.alerting.outbox import enqueue
from controlsurface.alerting.rules import Group, ThresholdRule
from controlsurface.alerting.state import Alert, Reading, Transition
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


def fire(store: DuckStore, now: datetime | None = None, file: str = "routing.yaml") -> Alert:
    """Let RULE fire for `code`, for ten minutes by now."""
    now = now or datetime.now(UTC)
    since = now - timedelta(minutes=10)
    about = Reading({"task_type": "code"}, True, 0.42, 600, 0.38, 0.46, 0.3, 0.12, since - timedelta(minutes=5))
    key = labels({"alertname": RULE.alert, "task_type": "code"}, RULE.labels)
    told = {"summary": "Many code requests escalate"}
    alert = Alert(RULE.alert, key, "firing", since, about, now, told, fired_at=since)
    with store.writing() as writing:
        kept.keep_rules(writing, RuleSet((Source(file, Group(name="routing", rules=(RULE,))),)))
        kept.keep_alerts(writing, [alert], [])
        kept.keep_history(writing, [Transition(RULE.alert, key, None, alert, since)])
        enqueue(writing, [(RULE, alert)], now)
    return alert


def over(alert: Alert, now: datetime) -> Alert:
    return replace(alert, state="resolved", resolved_at=now)
