"""What happened to everything that was sent: counts of items (spans, log records, data points) and of bodies."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass(slots=True)
class _Counts:
    """Since the store was made: the writer restores what an earlier run counted."""

    received: int = 0  # items in bodies that could be decoded
    accepted: int = 0  # items answered, and so durable
    rejected: int = 0  # items refused one by one
    mended: int = 0  # items of which bad characters were replaced, or values that do not fit their kind
    stored: int = 0  # items whose journal record is in the store
    duplicate: int = 0  # spans that were there already
    late: int = 0  # spans that corrected rows derived before
    unrecognised: int = 0  # spans that speak no known vocabulary
    expired: int = 0  # spans that came when rows of their time were frozen or gone already
    cut: int = 0  # values of spans that were too long, and are stored cut
    set_aside: int = 0  # items kept whole, since no batch with them could be stored
    bodies: int = 0  # requests answered with success
    bad_bodies: int = 0  # requests that could not be decoded
    too_large: int = 0  # requests over the size limit
    over_limit: int = 0  # requests that hold more items or fields than one may
    trimmed: int = 0  # attributes, events and links over the number that an item may have
    journal_damages: int = 0  # places of the journal that could not be read, at least a record each
    journal_lost_bytes: int = 0  # bytes there
    checker_restarts: int = 0  # processes that ended or hung over a body, and were replaced
    refused: int = 0  # requests told to come again later
    bytes: int = 0  # of the bodies, after decompression
    last_accepted_ns: int = 0  # time received, since the epoch
    last_stored_received_ns: int = 0  # time received of the newest stored record


MAX_CLOCK_AHEAD_NS = 60 * 10**9  # what the machine's clock may be corrected by
MAX_PENDING_DROPPED_KEYS = 1000  # distinct keys that wait to be stored; more are counted together
OTHER_KEYS = "(other)"
COUNTER_NAMES = tuple(each.name for each in fields(_Counts))


class IngestCounters:
    """Thread-safe; `pending` and `lag_ms` are made from the others when asked."""

    def __init__(self) -> None:
        self._counts = _Counts()
        self._waiting_since_ns = 0
        self._dropped: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, **deltas: int) -> None:
        """Add to counters by name."""
        with self._lock:
            for name, delta in deltas.items():
                setattr(self._counts, name, getattr(self._counts, name) + delta)

    def mark(self, **times_ns: int) -> None:
        """Move times forward, never back, but from a future that a wrong clock had told of."""
        with self._lock:
            now_ns = time.time_ns()
            for name, time_ns in times_ns.items():
                setattr(self._counts, name, max(_past(getattr(self._counts, name), now_ns), time_ns))

    def take(self, accepted: int, rejected: int, size: int, received_ns: int, mended: int = 0) -> None:
        """A body was answered."""
        with self._lock:
            counts = self._counts
            if _pending(counts) <= 0:
                self._waiting_since_ns = received_ns
            counts.bodies += 1
            counts.bytes += size
            counts.received += accepted + rejected
            counts.accepted += accepted
            counts.rejected += rejected
            counts.mended += mended
            if accepted:
                counts.last_accepted_ns = max(_past(counts.last_accepted_ns, received_ns), received_ns)

    def drop(self, keys: Mapping[str, int]) -> None:
        """Something was dropped under these keys, so often. Lost with the process until it is stored."""
        with self._lock:
            for key, n in keys.items():
                room = key in self._dropped or len(self._dropped) < MAX_PENDING_DROPPED_KEYS
                self._dropped[key if room else OTHER_KEYS] += n

    def dropped(self) -> dict[str, int]:
        """How often something was dropped under which key, and is not stored yet."""
        with self._lock:
            return dict(self._dropped)

    def settle_dropped(self, stored: Mapping[str, int]) -> None:
        """These counts are in the store."""
        with self._lock:
            self._dropped -= Counter(stored)

    def snapshot(self) -> dict[str, int]:
        """Every counter, `pending` items (answered, not yet stored) and `lag_ms` (how long the oldest waits)."""
        with self._lock:
            counts = self._counts
            pending = max(_pending(counts), 0)
            now_ns = time.time_ns()
            since = max(_past(self._waiting_since_ns, now_ns), _past(counts.last_stored_received_ns, now_ns))
            lag_ms = max(now_ns - since, 0) // 1_000_000 if pending and since else 0
            return {**asdict(counts), "pending": pending, "lag_ms": lag_ms}


def _past(time_ns: int, now_ns: int) -> int:
    """A time that was, else none: a clock that was ahead for a moment must not be the newest for days."""
    return time_ns if time_ns <= now_ns + MAX_CLOCK_AHEAD_NS else 0


def _pending(counts: _Counts) -> int:
    return counts.accepted - counts.stored
