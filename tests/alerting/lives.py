"""An alert's life in a line: a rule, what each evaluation finds, and the state after each."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from controlsurface.alerting.advance import Active, advance
from controlsurface.alerting.labels import Labels
from controlsurface.alerting.rules import Rule, RuleFile
from controlsurface.alerting.state import Reading

EPOCH = datetime(2026, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY: Labels = (("alertname", "High"), ("lane", "small"))


def rule(**more: Any) -> Rule:
    found = {"alert": "High", "metric": "error_rate", "by": ["lane"], "above": 0.5} | more
    return RuleFile.model_validate({"groups": [{"name": "g", "rules": [found]}]}).groups[0].rules[0]


def found(breach: bool | None) -> Mapping[Labels, Reading]:
    return {KEY: Reading({"lane": "small"}, breach, value=0.6)}


def alive(checked: Rule, at: Mapping[float, bool | None], active: Active | None = None) -> Active:
    """What is known after evaluations at some minutes, each with what it found."""
    active = active or {}
    for minute, breach in at.items():
        active = advance(checked, active, found(breach), EPOCH + minute * MINUTE).active
    return active


def lived(checked: Rule, *breaches: bool | None, every: timedelta = MINUTE) -> list[str | None]:
    """The state after each of several evaluations."""
    active: Active = {}
    states: list[str | None] = []
    for i, breach in enumerate(breaches):
        active = alive(checked, {i * every / MINUTE: breach}, active)
        states.append(active[KEY].state if KEY in active else None)
    return states
