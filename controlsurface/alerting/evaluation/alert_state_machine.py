"""The life of an alert, as Prometheus has it: one pure step from what is known and what is found to what is next.

Semantics: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/. Ours differ in two places:
what a restart restores is everything, and a slice without data is judged by the rule's own `no_data`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controlsurface.alerting.model import (
    ALERT_NAME_LABEL,
    Alert,
    AlertTransition,
    LabelSet,
    RuleReading,
    format_labels,
    label_set,
)
from controlsurface.alerting.rules.annotation_templates import render_annotations
from controlsurface.alerting.rules.rule_models import ZERO_DURATION, AlertRule, SliceRule
from controlsurface.errors import BadRequest

RESOLVED_RETENTION = timedelta(minutes=15)  # how long a resolution is remembered and sent again
OUTAGE_TOLERANCE = timedelta(hours=1)  # Prometheus's defaults for what a restart restores
FOR_GRACE_PERIOD = timedelta(minutes=10)

ActiveAlerts = Mapping[LabelSet, Alert]


@dataclass(frozen=True, slots=True)
class AlertStep:
    """All alerts of a rule after an evaluation, and what changed."""

    active: ActiveAlerts
    transitions: tuple[AlertTransition, ...] = ()


def readings_by_labels(rule: AlertRule, readings: Iterable[RuleReading]) -> Mapping[LabelSet, RuleReading]:
    """Each reading under the label set of its alert. Raises BadRequest where two have the same."""
    found: dict[LabelSet, RuleReading] = {}
    for reading in readings:
        key = label_set({ALERT_NAME_LABEL: rule.alert}, reading.slice, rule.labels)
        if key in found:
            raise BadRequest(
                f"{rule.alert}: two slices have the label set {format_labels(key)}; "
                "a label of the rule hides a dimension of 'by', so name it otherwise"
            )
        found[key] = reading
    return found


def advance_alerts(
    rule: AlertRule, active: ActiveAlerts, readings: Mapping[LabelSet, RuleReading], now: datetime, blind: bool = False
) -> AlertStep:
    """The alerts of `rule` after an evaluation at `now` that found `readings`. `blind`: no data proves nothing."""
    keys = {**active, **readings}
    after = {key: _next_alert(rule, active.get(key), readings.get(key), key, now, blind) for key in keys}
    moved = tuple(_transitions(rule, active, after, now))
    return AlertStep({key: alert for key, alert in after.items() if alert}, moved)


def _transitions(
    rule: AlertRule, before: ActiveAlerts, after: Mapping[LabelSet, Alert | None], now: datetime
) -> Iterator[AlertTransition]:
    """What changed its state. To be forgotten after its resolution is no change."""
    for key, alert in after.items():
        was = before[key].state if key in before else None
        state = alert.state if alert else None
        if was != state and not (was == "resolved" and state is None):
            yield AlertTransition(rule.alert, key, was, alert, now)


def _next_alert(
    rule: AlertRule, alert: Alert | None, reading: RuleReading | None, key: LabelSet, now: datetime, blind: bool
) -> Alert | None:
    """One label set after the evaluation."""
    present = _is_in_breach(rule, alert, reading, now, blind)
    if present is None:
        return _keep_resolved(alert, now)
    if present:
        return _alert_in_breach(rule, alert, _breach_reading(reading, alert), key, now)
    return _alert_not_in_breach(rule, alert, now)


def _is_in_breach(
    rule: AlertRule, alert: Alert | None, reading: RuleReading | None, now: datetime, blind: bool
) -> bool | None:
    """Whether the rule finds a breach; None: leave the alert as it is."""
    if reading is not None and reading.breach is not None:
        return reading.breach
    if blind and alert is not None:
        return None
    if not isinstance(rule, SliceRule) or rule.no_data == "ok":
        return False
    if rule.no_data == "alert":
        return reading is not None
    return None if alert is None or now - alert.seen_at <= rule.known_for else False


def _breach_reading(reading: RuleReading | None, alert: Alert | None) -> RuleReading:
    if reading is not None:
        return reading
    assert alert is not None  # noqa: S101 - only an alert that is known can be in breach without a reading
    return alert.reading


def _alert_in_breach(rule: AlertRule, alert: Alert | None, reading: RuleReading, key: LabelSet, now: datetime) -> Alert:
    """A label set in breach: pending from now on, firing when it has been for long enough."""
    known = alert if alert and alert.state != "resolved" else None
    began = known.active_at if known else now
    firing = _breach_duration(known, began, now) >= rule.for_
    return Alert(
        rule=rule.alert,
        labels=key,
        state="firing" if firing else "pending",
        active_at=began,
        reading=reading,
        seen_at=known.seen_at if known and reading.breach is None else now,
        annotations=render_annotations(rule.annotations, key, reading),
        fired_at=((known and known.fired_at) or now) if firing else None,
    )


def _breach_duration(alert: Alert | None, began: datetime, now: datetime) -> timedelta:
    """How long a breach has lasted; one that fired had lasted for its hold by then, whatever the clock shows now."""
    fired_at = alert.fired_at if alert else None
    return max(now, fired_at or now) - began


def _alert_not_in_breach(rule: AlertRule, alert: Alert | None, now: datetime) -> Alert | None:
    """A label set no longer in breach: a pending alert goes, a firing one resolves when `keep_firing_for` is over."""
    if alert is None or alert.state == "pending":
        return None
    if alert.state == "resolved":
        return _keep_resolved(alert, now)
    since = alert.keep_firing_since or now
    if rule.keep_firing_for > ZERO_DURATION and now - since < rule.keep_firing_for:
        if _breach_duration(alert, alert.active_at, now) < rule.for_:  # the hold was raised meanwhile
            return replace(alert, state="pending", fired_at=None, keep_firing_since=None, seen_at=now)
        return replace(alert, keep_firing_since=since, seen_at=now)
    return replace(alert, state="resolved", resolved_at=now, keep_firing_since=None, seen_at=now)


def _keep_resolved(alert: Alert | None, now: datetime) -> Alert | None:
    """The alert as it was; a resolution is forgotten after a while."""
    if alert and alert.resolved_at and now - alert.resolved_at > RESOLVED_RETENTION:
        return None
    return alert


def shift_alert(alert: Alert, by: timedelta) -> Alert:
    """An alert after the clock was set: what is measured from now moves along; what fires keeps its beginning."""
    since = alert.keep_firing_since
    moved = replace(alert, seen_at=alert.seen_at + by, keep_firing_since=since and since + by)
    return replace(moved, active_at=alert.active_at + by) if alert.state == "pending" else moved


def clamp_alert_to_now(alert: Alert, now: datetime) -> Alert:
    """An alert as a clock that went back meanwhile can have left it: nothing was seen in the future."""
    since = alert.keep_firing_since
    past = replace(alert, seen_at=min(alert.seen_at, now), keep_firing_since=since and min(since, now))
    return replace(past, active_at=min(alert.active_at, now)) if alert.state == "pending" else past


def restore_alert(rule: AlertRule, alert: Alert, down_at: datetime, now: datetime) -> Alert | None:
    """An alert after a restart: the time when nobody looked does not count as time in breach.

    Long outages forget what was pending; a pending alert that was close to firing still waits ten minutes.
    """
    if alert.state != "pending":
        return alert
    if now - down_at > OUTAGE_TOLERANCE:
        return None
    remaining = rule.for_ - (down_at - alert.active_at)
    if remaining >= FOR_GRACE_PERIOD or rule.for_ < FOR_GRACE_PERIOD:
        return replace(alert, active_at=alert.active_at + (now - down_at))
    return replace(alert, active_at=now + FOR_GRACE_PERIOD - rule.for_)
