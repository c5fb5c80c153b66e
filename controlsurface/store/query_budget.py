"""What one answer may take, and how often each data query ran and how long it took."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic

import duckdb

from controlsurface.errors import Abandoned, TooSlow
from controlsurface.store.named_query import NamedQuery

INTERRUPT_RETRY_S = 0.05  # an interrupt that comes between two statements is lost, so it is repeated


class QueryBudget:
    """The time of one answer, and its statements that run at the moment. `cancel` may be called by any thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds
        self._lock = threading.Lock()
        self._running: set[duckdb.DuckDBPyConnection] = set()
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
    def running(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
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


LOG_INTERVAL_S = 60  # a query that is slow again and again is logged once in so many seconds

_log = logging.getLogger("store")


@dataclass(slots=True)
class QueryStat:
    """One name: runs, their seconds together, how many were slow, the slowest query and its seconds."""

    runs: int = 0
    seconds: float = 0.0
    slow: int = 0
    slowest_s: float = 0.0
    slowest: NamedQuery | None = None
    logged_at: float = float("-inf")


class QueryStats:
    """Statistics by name since the store was opened. `slow_s`: from how many seconds on a query is slow."""

    def __init__(self, slow_s: float) -> None:
        self.slow_s = slow_s
        self._lock = threading.Lock()
        self.by_name: dict[str, QueryStat] = {}

    def add(self, query: NamedQuery, seconds: float) -> None:
        """Count a run, whether it gave rows or was stopped."""
        with self._lock:
            stat = self.by_name.setdefault(query.name, QueryStat())
            stat.runs, stat.seconds = stat.runs + 1, stat.seconds + seconds
            if seconds > stat.slowest_s:
                stat.slowest_s, stat.slowest = seconds, query
            if seconds < self.slow_s:
                return
            stat.slow += 1
            if monotonic() - stat.logged_at < LOG_INTERVAL_S:
                return
            stat.logged_at = monotonic()
        _log.warning("slow query %s: %.3g s", query, seconds)
