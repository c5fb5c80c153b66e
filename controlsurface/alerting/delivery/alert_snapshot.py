"""What an alert and its rule know, put together as the facts that a message is made of."""

from typing import Any

import orjson

from controlsurface.alerting.model.alert import Alert
from controlsurface.alerting.model.episode import SHARE_ABOVE_KEY, AlertSnapshot
from controlsurface.alerting.rules.rule_models import AlertRule, BudgetRule, MetricRule

FALSE_ALARMS_KEY = "expected_false_alarms_per_week"  # of an alert's evidence


def snapshot_alert(rule: AlertRule, alert: Alert) -> AlertSnapshot:
    """The facts of one alert."""
    reading = alert.reading
    measured = rule.measured if isinstance(rule, MetricRule) else None
    over = getattr(rule, "over", None)
    return AlertSnapshot(
        rule=rule.alert,
        kind=rule.kind,
        metric=measured.id if measured else None,
        contributors_of="cost" if isinstance(rule, BudgetRule) else None,
        unit="ratio" if SHARE_ABOVE_KEY in reading.evidence else measured.unit if measured else "",
        where=(*rule.where_pairs, *(f"{name}:{value or ''}" for name, value in reading.slice.items())),
        over_s=over.total_seconds() if over else None,
        value=reading.value,
        low=reading.low,
        high=reading.high,
        n=reading.n,
        before=reading.before,
        threshold=reading.threshold,
        above=getattr(rule, "above", None) is not None,
        onset=alert.began,
        evidence=_evidence(alert),
        false_alarms_per_week=_number(reading.evidence.get(FALSE_ALARMS_KEY)),
        annotations=dict(alert.annotations),
    )


def _evidence(alert: Alert) -> dict[str, Any]:
    """What JSON can say of it."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(dict(alert.reading.evidence), default=str))
    return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
