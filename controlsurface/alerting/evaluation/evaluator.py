"""One evaluation of many rules: as few statements as possible, and an error harms only the rules it concerns."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
    result_or_raise,
)
from controlsurface.alerting.evaluation.threshold_evaluation import threshold_readings
from controlsurface.alerting.model import RuleReading
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
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.query_runner import run_events
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.store.named_query import QueryEngine


@dataclass(frozen=True, slots=True)
class RouterEvent:
    """One change, told or found in the requests."""

    at: datetime
    kind: str
    title: str
    detail: str | None
    source: str


def fetch_router_events(
    store: QueryEngine, start: datetime, end: datetime, timeout_s: float = 30
) -> Sequence[RouterEvent]:
    """The changes of a window, in order of time."""
    found = run_events(partial(store.query, timeout_s=timeout_s), EventsArgs(start=start, end=end))
    return [RouterEvent(**row) for row in found.to_pylist()]


def event_rule_readings(rule: EventRule, found: Sequence[RouterEvent], now: datetime) -> list[RuleReading]:
    """One reading for each change that matters to the rule; of the same kind and title only the last."""
    recent = (each for each in found if now - rule.over <= each.at < now)
    return list({(change.kind, change.title): reading for change, reading in _event_readings(rule, recent)}.values())


def _event_readings(rule: EventRule, found: Iterator[RouterEvent]) -> Iterator[tuple[RouterEvent, RuleReading]]:
    for change in found:
        if change.kind in rule.event.kinds and rule.event.title in change.title:
            evidence: Mapping[str, str | None] = {"detail": change.detail, "source": change.source}
            slice_ = {"kind": change.kind, "title": change.title}
            yield change, RuleReading(slice_, breach=True, onset=change.at, evidence=evidence)


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
    figures = sight.answers(wanted, moments)
    return EvaluationInputs(rules, sight, figures, _result_or_error(partial(_events_asked_for, rules, sight, moments)))


def evaluate_rules(
    found: EvaluationInputs, active: Mapping[str, ActiveAlerts], now: datetime
) -> Mapping[str, RuleOutcome]:
    """What each rule finds at `now`, under the rule's name: the readings that matter, or why there are none.

    Those matter that are in breach, those of slices in `active`, and where a rule says that no data is an alert, those.
    """
    kinds = found.evaluation_context.detectors
    detected = {kind: _result_or_error(partial(_run_detector, kind, found, now)) for kind in kinds}
    outcomes: dict[str, RuleOutcome] = {}
    for rule in found.rules:
        alive = frozenset(_slice_values(alert.reading) for alert in active.get(rule.alert, {}).values())
        outcomes[rule.alert] = _result_or_error(partial(_rule_readings, rule, found, detected, alive, now))
    return outcomes


def _slice_values(reading: RuleReading) -> SliceValues:
    """A reading's slice without the names."""
    return tuple(reading.slice.values())


def _events_asked_for(
    rules: Iterable[AlertRule], sight: EvaluationContext, moments: ReplayMoments
) -> Sequence[RouterEvent]:
    """Changes as far back as any rule looks; none where no rule asks."""
    asking = [rule for rule in rules if isinstance(rule, EventRule)]
    if not asking:
        return []
    since = moments.first - max(rule.over for rule in asking)
    return fetch_router_events(sight.store, since, moments.last, sight.timeout_s)


def _run_detector(kind: RuleKind, found: EvaluationInputs, now: datetime) -> Mapping[str, Sequence[RuleReading]]:
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
        return event_rule_readings(rule, result_or_raise(found.changes), now)
    if isinstance(rule, GaugeRule):
        value = found.evaluation_context.server(now).get(rule.gauge)
        return [RuleReading({}, None if value is None else value > rule.above, value, threshold=rule.above)]
    if isinstance(rule, HeartbeatRule):
        return [RuleReading({}, breach=True, value=1)]
    if rule.kind not in detected:
        raise BadRequest(f"{rule.alert}: nothing here judges rules of kind '{rule.kind}'")
    readings = result_or_raise(detected[rule.kind]).get(rule.alert, ())
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
