"""Rules and traffic that the tests of alerting share."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from controlsurface.alerting.model import Alert
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet
from controlsurface.alerting.rules.rule_models import AlertRule, RuleGroup
from controlsurface.store.duckdb import DuckStore, WriteTransaction
from tests.stores import put

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rule_set(*rules: dict[str, Any], interval: str = "1m", name: str = "g") -> RuleSet:
    group = {"name": name, "interval": interval, "rules": list(rules)}
    return RuleSet((LoadedRuleGroup("r.yaml", RuleGroup.model_validate(group)),))


def high_failure_rule(**more: Any) -> dict[str, Any]:
    """A rule about failing requests, by lane."""
    return {"alert": "High", "metric": "error_rate", "by": ["lane"], "over": "5m", "above": 0.5} | more


def traffic(store: DuckStore, at: datetime, lane: str = "small", failed: int = 0, fine: int = 0) -> None:
    """Requests of one moment."""
    row = {"started_at": at.replace(tzinfo=None), "lane": lane}
    put(store, [row | {"failed": True}] * failed + [row] * fine)


class DeliveredAlerts:
    """Who would have been told, in the transaction of the evaluation."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[str, str]]] = []
        self.broken = False

    def __call__(self, writing: WriteTransaction, pairs: Sequence[tuple[AlertRule, Alert]], now: datetime) -> None:
        if self.broken:
            raise RuntimeError("the outbox cannot be written")
        self.calls.append([(rule.alert, alert.state) for rule, alert in pairs])
