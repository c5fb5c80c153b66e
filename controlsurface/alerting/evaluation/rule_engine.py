"""Rules evaluated against a store: what changed and who must hear of it are stored in one transaction.

What is known in memory moves on only when that transaction is on the disk: an evaluation that cannot be stored never
happened, and a crash finds state and notification together or neither.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from zlib import crc32

from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.evaluation.alert_state_machine import (
    ActiveAlerts,
    AlertStep,
    advance_alerts,
    clamp_alert_to_now,
    readings_by_labels,
    restore_alert,
    shift_alert,
)
from controlsurface.alerting.evaluation.alert_store import RuleLoopStatus
from controlsurface.alerting.evaluation.evaluator import (
    EvaluationContext,
    EvaluationInputs,
    RuleOutcome,
    evaluate_rules,
    fetch_inputs,
)
from controlsurface.alerting.model import Alert, AlertTransition
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet
from controlsurface.alerting.rules.rule_models import ONE_MINUTE, ZERO_DURATION, AlertRule
from controlsurface.errors import ControlSurfaceError
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.store.duckdb import DuckStore, WriteTransaction
from controlsurface.store.query_budget import check_budget

EnqueueAlerts = Callable[[WriteTransaction, Sequence[tuple[AlertRule, Alert]], datetime], None]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_BLIND_PERIOD = timedelta(minutes=15)  # at least so long, after the clock was set, no data proves nothing
REFRESH_INTERVAL_MIN = 5  # minutes, each alert in one of its own: a message's figures are no older


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """What one evaluation came to: each rule's alerts, and the errors of rules that could not be evaluated."""

    steps: Mapping[str, AlertStep]
    errors: Mapping[str, str | None]

    @property
    def transitions(self) -> tuple[AlertTransition, ...]:
        """Everything that changed its state."""
        return tuple(move for step in self.steps.values() for move in step.transitions)

    @property
    def active(self) -> Mapping[str, ActiveAlerts]:
        """The alerts of each rule that could be evaluated."""
        return {rule: step.active for rule, step in self.steps.items()}


def evaluate_alerts(
    found: EvaluationInputs, active: Mapping[str, ActiveAlerts], now: datetime, set_at: datetime | None = None
) -> RuleEvaluation:
    """Evaluate rules at one moment. A rule that cannot be evaluated keeps its alerts as they are.

    `set_at` is when the clock was last set: nothing is concluded from windows without data that reach back to it.
    """
    seen = evaluate_rules(found, active, now)
    steps: dict[str, AlertStep] = {}
    errors: dict[str, str | None] = {}
    for rule in found.rules:
        blind = set_at is not None and now - set_at < max(MIN_BLIND_PERIOD, getattr(rule, "over", ZERO_DURATION))
        step = _advance_rule(rule, active.get(rule.alert, {}), seen[rule.alert], now, blind)
        if isinstance(step, AlertStep):
            steps[rule.alert] = step
        errors[rule.alert] = None if isinstance(step, AlertStep) else str(step)
    return RuleEvaluation(steps, errors)


def _advance_rule(
    rule: AlertRule, active: ActiveAlerts, outcome: RuleOutcome, now: datetime, blind: bool
) -> AlertStep | ControlSurfaceError:
    """A rule's next state, or why it has none."""
    if isinstance(outcome, ControlSurfaceError):
        return outcome
    try:
        return advance_alerts(rule, active, readings_by_labels(rule, outcome), now, blind)
    except ControlSurfaceError as problem:
        return problem


def align_to_interval(moment: datetime, interval: timedelta) -> datetime:
    """The last multiple of the interval since 1970: every process evaluates at the same moments."""
    return EPOCH + (moment - EPOCH) // interval * interval


class RuleEngine:
    """The rules in force and the state of their alerts. Used by one thread."""

    def __init__(self, store: DuckStore, sight: EvaluationContext, enqueue: EnqueueAlerts, now: datetime) -> None:
        self._store = store
        self._sight = sight
        self._enqueue = enqueue
        self._rules = alert_store.load_rules_in_force(store)
        self._errors: dict[str, str | None] = {}
        self._loop = alert_store.load_loop_status(store) or RuleLoopStatus(loaded_at=now)
        self._known: dict[str, ActiveAlerts] = dict(alert_store.load_alerts(store))
        self._last: dict[tuple[str, str], datetime] = {}
        self._went_down = self._loop.evaluated_at
        self._recalled = False
        self._clock_steps = self._loop.clock_steps or 0
        self._set_at: datetime | None = None

    @property
    def rules(self) -> RuleSet:
        """The rules in force."""
        return self._rules

    @property
    def known(self) -> Mapping[str, ActiveAlerts]:
        """What is known of each rule's alerts."""
        return self._known

    def put_in_force(self, rules: RuleSet, now: datetime) -> None:
        """Evaluate these rules from now on. Alerts of rules that are no more end; all others stay as they are."""
        self._recall(now)
        before = self._rules.rules
        going_on = {name for name, rule in rules.rules.items() if _has_same_label_sets(before.get(name), rule)}
        known = going_on & {*self._known}
        kept_on = {name: self._taken_over(rules.rules[name], self._known[name], now) for name in known}
        ended = [
            replace(alert, state="resolved", resolved_at=now)
            for name in self._known.keys() - going_on
            for alert in self._known[name].values()
            if alert.state == "firing"
        ]
        loop = replace(self._loop, loaded_at=now, problem=None, doubts="\n".join(rules.doubts) or None)
        with self._store.writing() as writing:
            alert_store.write_rules(writing, rules)
            alert_store.write_loop_status(writing, loop)
            moves = [AlertTransition(each.rule, each.labels, "firing", each, now) for each in ended]
            alert_store.write_alert_history(writing, moves)
            after = {**{name: {} for name in self._known}, **kept_on}
            alert_store.write_alerts(writing, *alert_store.changed_alerts(self._known, after))
            self._enqueue(writing, [(before[each.rule], each) for each in ended if each.rule in before], now)
        self._rules, self._known, self._loop, self._went_down = rules, kept_on, loop, None
        self._errors = {name: error for name, error in self._errors.items() if name in going_on}

    def gauges(self) -> Mapping[str, float]:
        """What rules may watch of the loop itself."""
        failing = sum(error is not None for error in self._errors.values())
        return {"rules_lag_seconds": self._loop.lag_s or 0, "rules_failed": failing}

    def report_rules_problem(self, problem: str | None) -> None:
        """Remember why newer rule files are not in force (None: they are)."""
        self._store_loop(replace(self._loop, problem=problem))

    def report_clock_problem(self, steps: int, problem: str) -> None:
        """Write down how often the clock was set since the start, and how it is away from where it should be."""
        clock_steps = self._clock_steps + steps
        self._store_loop(replace(self._loop, clock_steps=clock_steps, clock_problem=problem or None))

    def _store_loop(self, loop: RuleLoopStatus) -> None:
        """Write the loop's row where it has changed."""
        if loop != self._loop:
            with self._store.writing() as writing:
                alert_store.write_loop_status(writing, loop)
            self._loop = loop

    def clock_moved(self, by: timedelta, now: datetime) -> None:
        """The clock is another one from `now` on: what is known moves along, and everything is due."""
        known: dict[str, ActiveAlerts] = {
            rule: {key: shift_alert(each, by) for key, each in active.items()} for rule, active in self._known.items()
        }
        with self._store.writing() as writing:
            alert_store.write_alerts(writing, *alert_store.changed_alerts(self._known, known))
        self._known, self._last, self._set_at = known, {}, now

    @property
    def interval(self) -> timedelta:
        """The shortest time between two evaluations."""
        return min((source.group.interval for source in self._rules.groups), default=ONE_MINUTE)

    def next_after(self, moment: datetime) -> datetime:
        """When something is due next."""
        intervals = {source.group.interval for source in self._rules.groups} or {ONE_MINUTE}
        return min(align_to_interval(moment, interval) + interval for interval in intervals)

    def tick(self, now: datetime) -> RuleEvaluation | None:
        """Evaluate what is due at `now`, at the moments its intervals ask for. None where nothing is due."""
        self._recall(now)
        due = {source.key: source for source in self._rules.groups if self._is_due(source, now)}
        if not due:
            return None
        moments: dict[datetime, list[LoadedRuleGroup]] = {}
        for source in due.values():
            moments.setdefault(align_to_interval(now, source.group.interval), []).append(source)
        found = None
        for moment in sorted(moments):
            found = self._evaluate(moments[moment], moment, now)
        return found

    def _recall(self, now: datetime) -> None:
        """At the first look: nothing that is known from before a restart was seen later than now."""
        if self._recalled:
            return
        self._recalled = True
        self._went_down = self._went_down and min(self._went_down, now)
        for rule, active in self._known.items():
            self._known[rule] = {key: clamp_alert_to_now(alert, now) for key, alert in active.items()}

    def _is_due(self, source: LoadedRuleGroup, now: datetime) -> bool:
        """Whether the group's moment has come since its last evaluation."""
        last = self._last.get(source.key)
        return last is None or align_to_interval(now, source.group.interval) > last

    def _evaluate(self, sources: Sequence[LoadedRuleGroup], moment: datetime, now: datetime) -> RuleEvaluation:
        """One evaluation of some groups: judged, stored and only then known. Raises Abandoned, nothing stored."""
        began = perf_counter()
        rules = [rule for source in sources for rule in source.group.rules]
        inputs = fetch_inputs(rules, self._sight, ReplayMoments(moment, moment, ONE_MINUTE))
        found = evaluate_alerts(inputs, self._known, moment, self._set_at)
        check_budget()  # what was stopped under way is no error of the rules
        took_s = perf_counter() - began
        loop = self._counted(sources, found, moment, now + timedelta(seconds=took_s))
        with self._store.writing() as writing:
            alert_store.write_alerts(writing, *alert_store.changed_alerts(self._known, found.active))
            alert_store.write_alert_history(writing, found.transitions)
            alert_store.write_evaluations(writing, found.errors, moment, took_s)
            alert_store.write_loop_status(writing, loop)
            self._enqueue(writing, list(_alerts_to_deliver(rules, found, moment)), moment)
        self._known = {name: active for name, active in {**self._known, **found.active}.items() if active}
        self._loop = loop
        self._errors |= found.errors
        self._last |= {source.key: moment for source in sources}
        return found

    def _counted(
        self, sources: Sequence[LoadedRuleGroup], found: RuleEvaluation, moment: datetime, now: datetime
    ) -> RuleLoopStatus:
        """The loop's row after an evaluation."""
        seen = [(self._last[each.key], each.group) for each in sources if each.key in self._last]
        missed = max(((moment - last) // group.interval - 1 for last, group in seen), default=0)
        failed = sum(error is not None for error in found.errors.values())
        lag_s = (now - moment).total_seconds() if seen else None  # the first may come at any time
        return replace(
            self._loop,
            evaluated_at=max(moment, min(self._loop.evaluated_at or moment, now)),
            lag_s=lag_s,
            evaluations=self._loop.evaluations + 1,
            failed=self._loop.failed + failed,
            missed=self._loop.missed + missed,
        )

    def _taken_over(self, rule: AlertRule, active: ActiveAlerts, now: datetime) -> ActiveAlerts:
        """The alerts of a rule that goes on; after a restart the outage does not count."""
        if self._went_down is None:
            return active
        back = ((key, restore_alert(rule, alert, self._went_down, now)) for key, alert in active.items())
        return {key: alert for key, alert in back if alert}


def _alerts_to_deliver(
    rules: Sequence[AlertRule], found: RuleEvaluation, now: datetime
) -> Iterator[tuple[AlertRule, Alert]]:
    """What delivery must know: what has begun to fire or ceased to, and now and then the figures of what fires on."""
    turn = int(now.timestamp() // 60) % REFRESH_INTERVAL_MIN
    for rule in rules:
        step = found.steps.get(rule.alert, AlertStep({}))
        moved = {move.labels for move in step.transitions if "firing" in {move.was, move.alert and move.alert.state}}
        for key, alert in step.active.items():
            if key in moved or (alert.state == "firing" and crc32(repr(key).encode()) % REFRESH_INTERVAL_MIN == turn):
                yield rule, alert


def _has_same_label_sets(before: AlertRule | None, rule: AlertRule) -> bool:
    """Whether the rule still speaks of the same label sets, whatever else has changed."""
    telling = ("kind", "labels", "by", "where", "metric")
    return before is not None and all(getattr(before, name, None) == getattr(rule, name, None) for name in telling)
