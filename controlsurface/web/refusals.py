"""What a border refused: counted by reason, and said in the log, a line a while for each reason."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Literal

log = logging.getLogger(__name__)

QUIET_S = 10  # between two lines about the same reason
Reason = Literal["host", "origin", "token", "throttled", "connections", "slow", "queries"]
REASONS: tuple[Reason, ...] = ("host", "origin", "token", "throttled", "connections", "slow", "queries")


class Refusals:
    """Of one server. A flood of refusals is a line every QUIET_S that says how many it stands for."""

    def __init__(self, surface: str) -> None:
        self.surface = surface
        self._counts: Counter[Reason] = Counter()
        self._unsaid: Counter[Reason] = Counter()
        self._said_at: dict[Reason, float] = {}
        self._lock = threading.Lock()

    def add(self, reason: Reason, text: str) -> None:
        """One more; `text` says what was refused and to whom, and may hold what a stranger sent."""
        now = time.monotonic()
        with self._lock:
            self._counts[reason] += 1
            if now - self._said_at.get(reason, -QUIET_S) < QUIET_S:
                self._unsaid[reason] += 1
                return
            self._said_at[reason] = now
            more = self._unsaid.pop(reason, 0)
        log.warning("%s: %s%s", self.surface, ascii(text[:300])[1:-1], f" (and {more} more like it)" if more else "")

    def counts(self) -> Mapping[Reason, int]:
        """How many by reason; every reason is there."""
        with self._lock:
            return {reason: self._counts[reason] for reason in REASONS}
