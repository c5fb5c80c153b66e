"""How many items lie beyond a position of the journal, without reading it."""

from bisect import bisect_right
from collections.abc import Iterable
from threading import Lock

from controlsurface.ingest.journal.segment_file import JournalPosition, JournalRecord


class ItemBacklog:
    """A running total of items by position, from `begin` on. Thread-safe."""

    def __init__(self, begin: JournalPosition) -> None:
        self.begin = begin
        self._ends = [begin]
        self._totals = [0]
        self._lock = Lock()

    def add(self, end: JournalPosition, items: int) -> None:
        """One more record."""
        with self._lock:
            self._ends.append(end)
            self._totals.append(self._totals[-1] + items)

    def extend_back(self, begin: JournalPosition, records: Iterable[JournalRecord]) -> None:
        """The records from an earlier beginning up to this one."""
        earlier = ItemBacklog(begin)
        for each in records:
            earlier.add(each.end, each.items)
        with self._lock:
            if begin < self.begin:
                before = earlier._totals[-1]
                self._ends = earlier._ends + self._ends[1:]
                self._totals = earlier._totals + [before + total for total in self._totals[1:]]
                self.begin = begin

    def beyond(self, after: JournalPosition) -> int:
        """Items after a position, which is not before `begin`."""
        with self._lock:
            return self._totals[-1] - self._totals[max(bisect_right(self._ends, after) - 1, 0)]

    def forget(self, before: JournalPosition) -> None:
        """Nobody will ask for less than this position any more."""
        with self._lock:
            at = bisect_right(self._ends, before) - 1
            if at > 0:
                del self._ends[:at], self._totals[:at]
                self.begin = self._ends[0]
