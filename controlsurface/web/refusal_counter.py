"""What a border refused: counted by reason, and said in the log, a line a while for each reason."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

log = logging.getLogger(__name__)

LOG_INTERVAL_S = 10  # between two lines about the same reason
RefusalReason = Literal["host", "origin", "token", "throttled", "connections", "slow", "queries"]
REFUSAL_REASONS: tuple[RefusalReason, ...] = get_args(RefusalReason)


class RefusalCounter:
    """Of one server. A flood of refusals is a line every LOG_INTERVAL_S that says how many it stands for."""

    def __init__(self, surface: str) -> None:
        self.surface = surface
        self._counts: Counter[RefusalReason] = Counter()
        self._unsaid: Counter[RefusalReason] = Counter()
        self._said_at: dict[RefusalReason, float] = {}
        self._lock = threading.Lock()
        self._beside: list[RefusalCounter] = []

    def beside(self, surface: str) -> "RefusalCounter":
        """Those of another server of the same process, to be told with these."""
        self._beside.append(RefusalCounter(surface))
        return self._beside[-1]

    def together(self) -> "Iterator[RefusalCounter]":
        """These, and those beside them."""
        yield self
        yield from self._beside

    def add(self, reason: RefusalReason, text: str) -> None:
        """One more; `text` says what was refused and to whom, and may hold what a stranger sent."""
        now = time.monotonic()
        with self._lock:
            self._counts[reason] += 1
            if now - self._said_at.get(reason, -LOG_INTERVAL_S) < LOG_INTERVAL_S:
                self._unsaid[reason] += 1
                return
            self._said_at[reason] = now
            more = self._unsaid.pop(reason, 0)
        log.warning("%s: %s%s", self.surface, ascii(text[:300])[1:-1], f" (and {more} more like it)" if more else "")

    def counts(self) -> Mapping[RefusalReason, int]:
        """How many by reason; every reason is there."""
        with self._lock:
            return {reason: self._counts[reason] for reason in REFUSAL_REASONS}
