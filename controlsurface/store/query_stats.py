"""How often each data query ran and how long it took; those that took long are logged."""

import logging
import threading
from dataclasses import dataclass
from time import monotonic

from controlsurface.store.named_query import NamedQuery

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
