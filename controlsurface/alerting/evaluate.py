"""One evaluation of many rules: as few statements as possible, and an error harms only the rules it concerns."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from controlsurface.alerting.advance import Active
from controlsurface.alerting.changes import Change, changes, happened, longest
from controlsurface.alerting.figures import Answers, Need, Values, answers, needs
from controlsurface.alerting.judge import judged
from controlsurface.alerting.rules import (
    BudgetRule,
    EventRule,
    GaugeRule,
    HeartbeatRule,
    Kind,
    Rule,
    Sliced,
    ThresholdRule,
)
from controlsurface.alerting.state import Reading
from controlsurface.errors import BadRequest, ControlSurfaceError
from controlsurface.metrics.moments import Moments
from controlsurface.store.named_query import QueryEngine

Outcome = Sequence[Reading] | ControlSurfaceError
Gauges = Callable[[datetime], Mapping[str, float]]
Detector = Callable[[Sequence[Any], datetime], Mapping[str, Sequence[Reading]]]
Detected = Mapping[str, Sequence[Reading]] | ControlSurfaceError

A = TypeVar("A")


def no_gauges(_: datetime) -> Mapping[str, float]:
    """The figures of a server where none runs."""
    return {}


@dataclass(frozen=True, slots=True)
class Sight:
    """What rules look at: the store, the server's own figures, and the configured budget.

    `detectors` judge whole kinds of rules: all rules of the kind and a moment in, readings by the rules' names out.
    """

    store: QueryEngine
    gauges: Gauges = no_gauges
    detectors: Mapping[Kind, Detector] = field(default_factory=dict)
    weekly_budget_usd: float = 0
    timeout_s: float = 30

    def answers(self, wanted: Sequence[Need], moments: Moments) -> Answers:
        """The figures that threshold and budget rules need."""
        return answers(self.store, wanted, moments, self.timeout_s)

    def server(self, now: datetime) -> Mapping[str, float]:
        """The server's own figures."""
        return self.gauges(now)


@dataclass(frozen=True, slots=True)
class Known:
    """All that was asked for about some moments, for some rules."""

    rules: Sequence[Rule]
    sight: Sight
    figures: Answers
    changes: Sequence[Change] | ControlSurfaceError


def known(rules: Sequence[Rule], sight: Sight, moments: Moments) -> Known:
    """Ask for everything that rules need at one moment or at many: a statement a view, however many moments."""
    wanted = [need for rule in rules for need in needs(rule)]
    return Known(rules, sight, sight.answers(wanted, moments), _tried(partial(_changes, rules, sight, moments)))


def outcomes(found: Known, active: Mapping[str, Active], now: datetime) -> Mapping[str, Outcome]:
    """What each rule finds at `now`, under the rule's name: the readings that matter, or why there are none.

    Those matter that are in breach, those of slices in `active`, and where a rule says that no data is an alert, those.
    """
    detected = {kind: _tried(partial(_detected, kind, found, now)) for kind in found.sight.detectors}
    return {
        rule.alert: _tried(partial(_readings, rule, found, detected, _alive(active.get(rule.alert, {})), now))
        for rule in found.rules
    }


def _alive(active: Active) -> frozenset[Values]:
    """The slices of a rule's alerts."""
    return frozenset(_values(alert.reading) for alert in active.values())


def _values(reading: Reading) -> Values:
    """A reading's slice without the names."""
    return tuple(reading.slice.values())


def _changes(rules: Iterable[Rule], sight: Sight, moments: Moments) -> Sequence[Change]:
    """Changes as far back as any rule looks; none where no rule asks."""
    asking = [rule for rule in rules if isinstance(rule, EventRule)]
    return changes(sight.store, moments.first - longest(asking), moments.last, sight.timeout_s) if asking else []


def _detected(kind: Kind, found: Known, now: datetime) -> Mapping[str, Sequence[Reading]]:
    """What a detector finds for the rules of its kind."""
    asking = [rule for rule in found.rules if rule.kind == kind]
    return found.sight.detectors[kind](asking, now) if asking else {}


def _readings(
    rule: Rule, found: Known, detected: Mapping[Kind, Detected], alive: Collection[Values], now: datetime
) -> Sequence[Reading]:
    """What one rule finds. Raises the error of what could not be answered."""
    if isinstance(rule, ThresholdRule | BudgetRule):
        return judged(rule, found.figures, now, alive, found.sight.weekly_budget_usd)
    if isinstance(rule, EventRule):
        return happened(rule, _or_raise(found.changes), now)
    if isinstance(rule, GaugeRule):
        value = found.sight.server(now).get(rule.gauge)
        return [Reading({}, None if value is None else value > rule.above, value, threshold=rule.above)]
    if isinstance(rule, HeartbeatRule):
        return [Reading({}, breach=True, value=1)]
    if rule.kind not in detected:
        raise BadRequest(f"{rule.alert}: nothing here judges rules of kind '{rule.kind}'")
    readings = _or_raise(detected[rule.kind]).get(rule.alert, ())
    silence_tells = isinstance(rule, Sliced) and rule.no_data == "alert"
    return [
        each for each in readings if each.breach or (each.breach is None and silence_tells) or _values(each) in alive
    ]


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
