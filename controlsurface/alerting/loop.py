"""The thread that evaluates rules, again and again, at moments that are multiples of their intervals."""

import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Self

from controlsurface.alerting.engine import Enqueue, RuleEngine
from controlsurface.alerting.evaluate import Sight
from controlsurface.alerting.reload import Places
from controlsurface.errors import ControlSurfaceError
from controlsurface.store.duckdb import DuckStore

LOOK = timedelta(seconds=5)  # between two looks at the rule files

_log = logging.getLogger("alerts")


class RuleLoop:
    """Evaluates between `start` and `stop`; `reload` reads the rule files at once."""

    def __init__(self, store: DuckStore, places: Places, sight: Sight, enqueue: Enqueue) -> None:
        self._places = places
        seen = replace(sight, gauges=lambda now: {**sight.gauges(now), **self._engine.gauges()})
        self._engine = RuleEngine(store, seen, enqueue, _now())
        self._stamp: object = None
        self.crashes = 0
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)

    def start(self) -> Self:
        """Begin; a rule file that is wrong leaves the last good rules in force."""
        self._look()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after the evaluation under way."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def reload(self) -> None:
        """Read the rule files now, changed or not. May be called by a signal's handler."""
        self._stamp = None
        self._wake.set()

    def _run(self) -> None:
        """One turn after the other."""
        while not self._stopping:
            now = _now()
            self._turn(now)
            until = min(self._engine.next_after(now), now + LOOK)
            self._wake.wait(max(0.0, (until - _now()).total_seconds()))
            self._wake.clear()

    def _turn(self, now: datetime) -> None:
        """Look at the files, evaluate what is due."""
        try:
            self._look()
            self._engine.tick(now)
        except Exception:  # noqa: BLE001 - whatever it is, the next moment must be evaluated
            self.crashes += 1
            _log.exception("rules were not evaluated")

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
            self._engine.complain(str(problem))
        else:
            self._engine.put_in_force(rules, _now())


def _now() -> datetime:
    return datetime.now(UTC)
