"""One evaluation of many rules: as few statements as possible, and an error harms only the rules it concerns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from controlsurface.alerting.changes import Change, changes, happened, longest
from controlsurface.alerting.figures import Answers, Rows, answers, needs
from controlsurface.alerting.judge import judged
from controlsurface.alerting.rules import (
    MINUTE,
    BudgetRule,
    EventRule,
    GaugeRule,
    HeartbeatRule,
    Kind,
    Rule,
    ThresholdRule,
)
from controlsurface.alerting.state import Reading
from controlsurface.errors import BadRequest, ControlSurfaceError
from controlsurface.metrics.moments import Moments

Outcome = Sequence[Reading] | ControlSurfaceError
Gauges = Callable[[], Mapping[str, float]]
Detector = Callable[[Sequence[Any], datetime], Mapping[str, Sequence[Reading]]]

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Sight:
    """What rules look at: the store, the server's own figures, and the configured budget.

    `detectors` judge whole kinds of rules: all rules of the kind and a moment in, readings by the rules' names out.
    """

    store: Rows
    detectors: Mapping[Kind, Detector] = field(default_factory=dict)
    gauges: Gauges = dict
    weekly_budget_usd: float = 0
    timeout_s: float = 30


@dataclass(frozen=True, slots=True)
class _Known:
    """All that was asked for at one moment."""

    now: datetime
    figures: Answers
    changes: Sequence[Change] | ControlSurfaceError
    detected: Mapping[Kind, Mapping[str, Sequence[Reading]] | ControlSurfaceError]
    gauges: Mapping[str, float] = field(default_factory=dict)
    weekly_budget_usd: float = 0


def evaluate(rules: Sequence[Rule], sight: Sight, now: datetime) -> Mapping[str, Outcome]:
    """What each rule finds at `now`, under the rule's name: its readings, or why there are none."""
    wanted = [need for rule in rules for need in needs(rule)]
    known = _Known(
        now,
        answers(sight.store, wanted, Moments(now, now, MINUTE), sight.timeout_s),
        _tried(partial(_changes, rules, sight, now)),
        {kind: _tried(partial(_detected, kind, rules, sight, now)) for kind in sight.detectors},
        sight.gauges(),
        sight.weekly_budget_usd,
    )
    return {rule.alert: _tried(partial(_readings, rule, known)) for rule in rules}


def _changes(rules: Iterable[Rule], sight: Sight, now: datetime) -> Sequence[Change]:
    """Changes as far back as any rule looks; none where no rule asks."""
    asking = [rule for rule in rules if isinstance(rule, EventRule)]
    return changes(sight.store, now - longest(asking), now, sight.timeout_s) if asking else []


def _detected(kind: Kind, rules: Iterable[Rule], sight: Sight, now: datetime) -> Mapping[str, Sequence[Reading]]:
    """What a detector finds for the rules of its kind."""
    asking = [rule for rule in rules if rule.kind == kind]
    return sight.detectors[kind](asking, now) if asking else {}


def _readings(rule: Rule, known: _Known) -> Sequence[Reading]:
    """What one rule finds. Raises the error of what could not be answered."""
    if isinstance(rule, ThresholdRule | BudgetRule):
        return judged(rule, known.figures, known.now, known.weekly_budget_usd)
    if isinstance(rule, EventRule):
        return happened(rule, _or_raise(known.changes), known.now)
    if isinstance(rule, GaugeRule):
        value = known.gauges.get(rule.gauge)
        return [Reading({}, None if value is None else value > rule.above, value, threshold=rule.above)]
    if isinstance(rule, HeartbeatRule):
        return [Reading({}, breach=True, value=1)]
    if rule.kind not in known.detected:
        raise BadRequest(f"{rule.alert}: nothing here judges rules of kind '{rule.kind}'")
    return _or_raise(known.detected[rule.kind]).get(rule.alert, ())


def _tried(work: Callable[[], A]) -> A | ControlSurfaceError:
    """What comes of it, or its error."""
    try:
        return work()
    except ControlSurfaceError as problem:
        return problem


def _or_raise(found: A | ControlSurfaceError) -> A:
    """What was found. Raises the error where it is one."""
    if isinstance(found, ControlSurfaceError):
        raise found
    return found
