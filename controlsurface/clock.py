"""The time that scheduling goes by: UTC that does not jump when somebody sets the machine's clock."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

CLOCK_TOLERANCE = timedelta(seconds=5)
CLOCK_HOLD = timedelta(minutes=5)
CLOCK_SUBJECT = "the machine's clock"  # how every problem of it begins

_log = logging.getLogger("clock")


def wall_time() -> datetime:
    """What the machine's clock shows."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Seconds that nobody can set; where the system can tell, the time that the machine slept is among them."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class SteadyClock:
    """Follows the wall clock, but not at once where that jumps. Called by any thread.

    A wall clock that parts from the steady one by more than `tolerance` has been stepped. For `hold` the time goes on
    as if it had not; a clock that is back by then changed nothing, one that stays is believed from then on.
    """

    def __init__(
        self,
        tolerance: timedelta = CLOCK_TOLERANCE,
        hold: timedelta = CLOCK_HOLD,
        wall: Callable[[], datetime] = wall_time,
        steady: Callable[[], float] = monotonic_s,
    ) -> None:
        self._tolerance, self._hold = tolerance, hold
        self._wall, self._steady = wall, steady
        self._anchor, self._anchor_s = wall(), steady()
        self._offset = timedelta()
        self._stepped_s: float | None = None
        self._believed_s: float | None = None
        self._lock = threading.Lock()
        self.steps = 0
        self.moved = timedelta()  # by all steps that were believed

    def __call__(self) -> datetime:
        """Now."""
        with self._lock:
            shown, at_s = self._wall(), self._steady()
            expected = self._anchor + timedelta(seconds=at_s - self._anchor_s)
            offset = shown - expected
            if abs(offset) <= self._tolerance:
                return self._follow(shown, at_s)
            return self._held(shown, offset, expected, at_s)

    def problem(self) -> str:
        """What is wrong with the wall clock now; empty: nothing."""
        if self._stepped_s is None:
            return ""
        return f"{CLOCK_SUBJECT} was set {_said(self._offset)}; alerting goes by the time before for {self._hold}"

    def in_doubt(self, within: timedelta) -> bool:
        """Whether the wall clock is away from where it should be, or has been believed to be within some time."""
        lately = self._believed_s is not None and self._steady() - self._believed_s < within.total_seconds()
        return self._stepped_s is not None or lately

    def _follow(self, shown: datetime, at_s: float) -> datetime:
        """The wall clock runs as it should; small corrections are followed."""
        if self._stepped_s is not None:
            _log.warning("the machine's clock is back after %.0f s", at_s - self._stepped_s)
            self._stepped_s, self._offset = None, timedelta()
        self._anchor, self._anchor_s = shown, at_s
        return shown

    def _held(self, shown: datetime, offset: timedelta, expected: datetime, at_s: float) -> datetime:
        """The wall clock shows another time: not believed until it has done so for long."""
        if self._stepped_s is None or abs(offset - self._offset) > self._tolerance:
            self._stepped_s, self._offset = at_s, offset
            self.steps += 1
            _log.warning("the machine's clock was set %s; not believed for %s", _said(offset), self._hold)
        if at_s - self._stepped_s < self._hold.total_seconds():
            return expected
        _log.warning("the machine's clock stays where it was set, %s: believed from now on", _said(offset))
        self._anchor, self._anchor_s = shown, at_s
        self._stepped_s, self._offset, self._believed_s = None, timedelta(), at_s
        self.moved += offset
        return shown


def _said(offset: timedelta) -> str:
    """How far, and where to."""
    return f"{timedelta(seconds=round(abs(offset).total_seconds()))} {'ahead' if offset > timedelta() else 'back'}"
