"""The thread that evaluates rules, again and again, at moments that are multiples of their intervals."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from typing import Self

from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import EnqueueAlerts, RuleEngine
from controlsurface.alerting.rules.rule_loader import RulePaths
from controlsurface.alerting.rules.rule_models import ZERO_DURATION
from controlsurface.clock import SteadyClock, monotonic_s
from controlsurface.errors import Abandoned, ControlSurfaceError
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.query_budget import QueryBudget, spend_budget

RULE_FILES_POLL_INTERVAL = timedelta(seconds=5)  # between two looks at the rule files
STALLED_AFTER = timedelta(minutes=5)
STOP_GRACE_S = 2.0  # for the evaluation under way when told to end

_log = logging.getLogger("alerts")


class Liveness:
    """Whether rules are evaluated, by seconds that nobody can set. Nothing is expected before the first `beat`."""

    def __init__(self, limit: timedelta = STALLED_AFTER, steady: Callable[[], float] = monotonic_s) -> None:
        self._limit_s = limit.total_seconds()
        self._steady = steady
        self._last: tuple[float, float] | None = None

    def beat(self, interval: timedelta) -> None:
        """Everything due has been evaluated; something will be due within `interval`."""
        self._last = self._steady(), max(self._limit_s, 3 * interval.total_seconds())

    def end(self) -> None:
        """Nothing is expected any more."""
        self._last = None

    def problem(self) -> str:
        """For how long no rule has been evaluated, where that is too long; else nothing."""
        if self._last is None:
            return ""
        at_s, limit_s = self._last
        age_s = self._steady() - at_s
        return f"alerting stands still: no rule was evaluated for {age_s:.0f} s" if age_s > limit_s else ""


class RuleLoop:
    """Evaluates between `start` and `stop`; `reload` reads the rule files at once."""

    def __init__(
        self,
        store: DuckStore,
        places: RulePaths,
        sight: EvaluationContext,
        enqueue: EnqueueAlerts,
        clock: SteadyClock | None = None,
        liveness: Liveness | None = None,
    ) -> None:
        self._places = places
        self._clock = clock or SteadyClock()
        self._liveness = liveness or Liveness()
        self._moved = self._clock.moved
        seen = replace(sight, gauges=lambda now: {**sight.gauges(now), **self._engine.gauges()})
        self._engine = RuleEngine(store, seen, enqueue, self._clock())
        self._stamp: object = None
        self._wake = threading.Event()
        self._stopping = False
        self._budget = QueryBudget(inf)  # not for its time, but to be cancelled
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)

    def start(self) -> Self:
        """Begin; a rule file that is wrong leaves the last good rules in force."""
        self._look()
        self._liveness.beat(self._engine.interval)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after the evaluation under way; one that takes longer is stopped, and was none."""
        self._stopping = True
        self._wake.set()
        self._thread.join(STOP_GRACE_S)
        self._budget.cancel()
        self._thread.join()
        self._liveness.end()

    def reload(self) -> None:
        """Read the rule files now, changed or not. May be called by a signal's handler."""
        self._stamp = None
        self._wake.set()

    def _run(self) -> None:
        """One turn after the other."""
        while not self._stopping:
            now = self._clock()
            with spend_budget(self._budget):
                self._turn(now)
            until = min(self._engine.next_after(now), now + RULE_FILES_POLL_INTERVAL)
            self._wake.wait(min(RULE_FILES_POLL_INTERVAL, max(ZERO_DURATION, until - self._clock())).total_seconds())
            self._wake.clear()

    def _turn(self, now: datetime) -> None:
        """Look at the files, evaluate what is due."""
        try:
            self._look()
            self._follow_clock(now)
            if self._engine.tick(now) or not self._engine.rules.groups:
                self._liveness.beat(self._engine.interval)
        except Abandoned:
            _log.info("the evaluation under way was stopped: the server ends")
        except Exception:  # noqa: BLE001 - whatever it is, the next moment must be evaluated
            _log.exception("rules were not evaluated")

    def _follow_clock(self, now: datetime) -> None:
        """Write down what is wrong with the clock; once it is believed, move what is known along with it."""
        self._engine.report_clock_problem(self._clock.steps, self._clock.problem())
        by, self._moved = self._clock.moved - self._moved, self._clock.moved
        if by:
            self._engine.clock_moved(by, now)

    def _look(self) -> None:
        """Read the rule files if they have changed; wrong ones change nothing."""
        stamp = self._places.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            rules = self._places.load()
        except ControlSurfaceError as problem:
            for line in str(problem).splitlines():
                _log.error(line)
            self._engine.report_rules_problem(str(problem))
        else:
            self._engine.put_in_force(rules, self._clock())
