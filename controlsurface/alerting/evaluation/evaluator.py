"""One evaluation of many rules: as few statements as possible, and an error harms only the rules it concerns."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts
from controlsurface.alerting.evaluation.measurements import (
    MeasurementRequest,
    MeasurementResults,
    SliceValues,
    fetch_measurements,
    required_measurements,
)
from controlsurface.alerting.evaluation.router_events import (
    RouterEvent,
    event_rule_readings,
    fetch_router_events,
    longest_event_window,
)
from controlsurface.alerting.evaluation.threshold_evaluation import threshold_readings
from controlsurface.alerting.model.alert import RuleReading
from controlsurface.alerting.rules.rule_models import (
    AlertRule,
    BudgetRule,
    EventRule,
    GaugeRule,
    HeartbeatRule,
    RuleKind,
    SliceRule,
    ThresholdRule,
)
from controlsurface.errors import BadRequest, ControlSurfaceError
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.store.named_query import QueryEngine

RuleOutcome = Sequence[RuleReading] | ControlSurfaceError
GaugeReader = Callable[[datetime], Mapping[str, float]]
Detector = Callable[[Sequence[Any], datetime], Mapping[str, Sequence[RuleReading]]]
DetectorOutcome = Mapping[str, Sequence[RuleReading]] | ControlSurfaceError

A = TypeVar("A")


def no_gauges(_: datetime) -> Mapping[str, float]:
    """The figures of a server where none runs."""
    return {}


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What rules look at: the store, the server's own figures, and the configured budget.

    `detectors` judge whole kinds of rules: all rules of the kind and a moment in, readings by the rules' names out.
    """

    store: QueryEngine
    gauges: GaugeReader = no_gauges
    detectors: Mapping[RuleKind, Detector] = field(default_factory=dict)
    weekly_budget_usd: float = 0
    timeout_s: float = 30

    def answers(self, wanted: Sequence[MeasurementRequest], moments: ReplayMoments) -> MeasurementResults:
        """The figures that threshold and budget rules need."""
        return fetch_measurements(self.store, wanted, moments, self.timeout_s)

    def server(self, now: datetime) -> Mapping[str, float]:
        """The server's own figures."""
        return self.gauges(now)


@dataclass(frozen=True, slots=True)
class EvaluationInputs:
    """All that was asked for about some moments, for some rules."""

    rules: Sequence[AlertRule]
    evaluation_context: EvaluationContext
    figures: MeasurementResults
    changes: Sequence[RouterEvent] | ControlSurfaceError


def fetch_inputs(rules: Sequence[AlertRule], sight: EvaluationContext, moments: ReplayMoments) -> EvaluationInputs:
    """Ask for everything that rules need at one moment or at many: a statement a view, however many moments."""
    wanted = [need for rule in rules for need in required_measurements(rule)]
    return EvaluationInputs(
        rules, sight, sight.answers(wanted, moments), _result_or_error(partial(_router_events, rules, sight, moments))
    )


def evaluate_rules(
    found: EvaluationInputs, active: Mapping[str, ActiveAlerts], now: datetime
) -> Mapping[str, RuleOutcome]:
    """What each rule finds at `now`, under the rule's name: the readings that matter, or why there are none.

    Those matter that are in breach, those of slices in `active`, and where a rule says that no data is an alert, those.
    """
    detected = {
        kind: _result_or_error(partial(_run_detector, kind, found, now)) for kind in found.evaluation_context.detectors
    }
    return {
        rule.alert: _result_or_error(
            partial(_rule_readings, rule, found, detected, _alert_slices(active.get(rule.alert, {})), now)
        )
        for rule in found.rules
    }


def _alert_slices(active: ActiveAlerts) -> frozenset[SliceValues]:
    """The slices of a rule's alerts."""
    return frozenset(_slice_values(alert.reading) for alert in active.values())


def _slice_values(reading: RuleReading) -> SliceValues:
    """A reading's slice without the names."""
    return tuple(reading.slice.values())


def _router_events(
    rules: Iterable[AlertRule], sight: EvaluationContext, moments: ReplayMoments
) -> Sequence[RouterEvent]:
    """Changes as far back as any rule looks; none where no rule asks."""
    asking = [rule for rule in rules if isinstance(rule, EventRule)]
    return (
        fetch_router_events(sight.store, moments.first - longest_event_window(asking), moments.last, sight.timeout_s)
        if asking
        else []
    )


def _run_detector(kind: RuleKind, found: EvaluationInputs, now: datetime) -> Mapping[str, Sequence[RuleReading]]:
    """What a detector finds for the rules of its kind."""
    asking = [rule for rule in found.rules if rule.kind == kind]
    return found.evaluation_context.detectors[kind](asking, now) if asking else {}


def _rule_readings(
    rule: AlertRule,
    found: EvaluationInputs,
    detected: Mapping[RuleKind, DetectorOutcome],
    alive: Collection[SliceValues],
    now: datetime,
) -> Sequence[RuleReading]:
    """What one rule finds. Raises the error of what could not be answered."""
    if isinstance(rule, ThresholdRule | BudgetRule):
        return threshold_readings(rule, found.figures, now, alive, found.evaluation_context.weekly_budget_usd)
    if isinstance(rule, EventRule):
        return event_rule_readings(rule, _unwrap(found.changes), now)
    if isinstance(rule, GaugeRule):
        value = found.evaluation_context.server(now).get(rule.gauge)
        return [RuleReading({}, None if value is None else value > rule.above, value, threshold=rule.above)]
    if isinstance(rule, HeartbeatRule):
        return [RuleReading({}, breach=True, value=1)]
    if rule.kind not in detected:
        raise BadRequest(f"{rule.alert}: nothing here judges rules of kind '{rule.kind}'")
    readings = _unwrap(detected[rule.kind]).get(rule.alert, ())
    silence_tells = isinstance(rule, SliceRule) and rule.no_data == "alert"
    return [
        each
        for each in readings
        if each.breach or (each.breach is None and silence_tells) or _slice_values(each) in alive
    ]


def _result_or_error(work: Callable[[], A]) -> A | ControlSurfaceError:
    """What comes of it, or its error."""
    try:
        return work()
    except ControlSurfaceError as problem:
        return problem


def _unwrap(found: A | ControlSurfaceError) -> A:
    """What was found. Raises the error where it is one."""
    if isinstance(found, ControlSurfaceError):
        raise found
    return found
