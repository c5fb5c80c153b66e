"""What one answer may take: so many seconds, and only while somebody waits for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Protocol

from controlsurface.errors import Abandoned, TooSlow

INTERRUPT_RETRY_S = 0.05  # an interrupt that comes between two statements is lost, so it is repeated


class Interruptible(Protocol):
    """A cursor."""

    def interrupt(self) -> None:
        """Stop the statement under way."""
        ...


class QueryBudget:
    """The time of one answer, and its statements that run at the moment. `cancel` may be called by any thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds
        self._lock = threading.Lock()
        self._running: set[Interruptible] = set()
        self._cancelled = False

    @property
    def left_s(self) -> float:
        """Seconds until the time is over, at least none."""
        return max(0.0, self._end - monotonic())

    def check(self) -> None:
        """Nothing, as long as it goes on. Raises Abandoned, TooSlow."""
        if self._cancelled:
            raise Abandoned("nobody waits for the answer any more")
        if not self.left_s:
            raise TooSlow(f"stopped after {self.seconds:g} s; narrow the query's time range")

    def cancel(self) -> None:
        """Stop what runs, until it has stopped, and everything that would follow."""
        self._cancelled = True
        with self._lock:
            for each in self._running:
                each.interrupt()
            if self._running:
                again = threading.Timer(INTERRUPT_RETRY_S, self.cancel)
                again.daemon = True
                again.start()

    @contextmanager
    def running(self, cursor: Interruptible) -> Iterator[None]:
        """Statements of the cursor are stopped by `cancel` meanwhile. Raises Abandoned, TooSlow."""
        self.check()
        with self._lock:
            self._running.add(cursor)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(cursor)


_CURRENT: ContextVar[QueryBudget | None] = ContextVar("budget", default=None)


def current_budget() -> QueryBudget | None:
    """The budget of the answer that this thread works for; None: nobody set one."""
    return _CURRENT.get()


def check_budget() -> None:
    """Nothing, as long as the answer is wanted and has time. Raises Abandoned, TooSlow."""
    if budget := current_budget():
        budget.check()


@contextmanager
def spend_budget(budget: QueryBudget) -> Iterator[QueryBudget]:
    """What is asked of a store meanwhile, by this thread and those it starts with its context, counts on the budget."""
    token = _CURRENT.set(budget)
    try:
        yield budget
    finally:
        _CURRENT.reset(token)
