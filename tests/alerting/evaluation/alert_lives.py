"""An alert's life in a line: a rule, what each evaluation finds, and the state after each."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts, advance_alerts
from controlsurface.alerting.model import LabelSet, RuleReading
from controlsurface.alerting.rules.rule_models import AlertRule, RuleFile

EPOCH = datetime(2026, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY: LabelSet = (("alertname", "High"), ("lane", "small"))


def rule(**more: Any) -> AlertRule:
    found = {"alert": "High", "metric": "error_rate", "by": ["lane"], "above": 0.5} | more
    return RuleFile.model_validate({"groups": [{"name": "g", "rules": [found]}]}).groups[0].rules[0]


def readings_of(breach: bool | None) -> Mapping[LabelSet, RuleReading]:
    return {KEY: RuleReading({"lane": "small"}, breach, value=0.6)}


def active_alerts_after(
    checked: AlertRule, at: Mapping[float, bool | None], active: ActiveAlerts | None = None
) -> ActiveAlerts:
    """What is known after evaluations at some minutes, each with what it found."""
    active = active or {}
    for minute, breach in at.items():
        active = advance_alerts(checked, active, readings_of(breach), EPOCH + minute * MINUTE).active
    return active


def states_over_time(checked: AlertRule, *breaches: bool | None, every: timedelta = MINUTE) -> list[str | None]:
    """The state after each of several evaluations."""
    active: ActiveAlerts = {}
    states: list[str | None] = []
    for i, breach in enumerate(breaches):
        active = active_alerts_after(checked, {i * every / MINUTE: breach}, active)
        states.append(active[KEY].state if KEY in active else None)
    return states
