"""The journal's segments on disk, which of them may go, and how many items lie beyond a position."""

import logging
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable
from pathlib import Path

from controlsurface import config
from controlsurface.ingest.journal import segment_file as segments
from controlsurface.ingest.journal.segment_file import JournalPosition, JournalRecord, JournalSegment

log = logging.getLogger(__name__)

START_POSITION = JournalPosition(0, 0)


class SegmentSet:
    """All segments of a folder by number, oldest first. Thread-safe; only the newest is ever appended to."""

    def __init__(self, folder: Path, settings: config.JournalConfig) -> None:
        """Open and repair. Raises StoreError where a file is not a journal segment."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._settings = settings
        self._segments = _opened(folder)
        self._stored = START_POSITION
        self._lock = threading.Lock()
        self._tidying = threading.Lock()
        self._tidied = 0.0

    def newest(self) -> JournalSegment | None:
        """The segment last begun."""
        with self._lock:
            return next(reversed(self._segments.values()), None)

    def put(self, segment: JournalSegment) -> None:
        """Add a segment, or say how long it has become."""
        with self._lock:
            self._segments[segment.number] = segment

    def next(self, after: JournalPosition) -> JournalSegment | None:
        """The first segment that may hold something after a position."""
        with self._lock:
            number = min((number for number in self._segments if number >= after.segment), default=None)
            return None if number is None else self._segments[number]

    def is_lost(self, segment: JournalSegment) -> bool:
        """Whether a segment was removed by someone else; from then on it is forgotten."""
        with self._lock:
            lost = self._segments.get(segment.number) == segment and not segment.path.exists()
            if lost:
                del self._segments[segment.number]
            return lost

    def release(self, stored: JournalPosition) -> bool:
        """Remember how far the store is; whether it is time to tidy."""
        with self._lock:
            crossed = stored.segment > self._stored.segment
            self._stored = max(self._stored, stored)
        return crossed or time.monotonic() - self._tidied > 3600

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        with self._lock:
            return sum(each.size for each in self._segments.values())

    @property
    def pending_bytes(self) -> int:
        """Bytes not yet in the store."""
        with self._lock:
            later = sum(each.length for each in self._segments.values() if each.number > self._stored.segment)
            current = self._segments.get(self._stored.segment)
            return later + (current.length - self._stored.offset if current else 0)

    def tidy(self, stopped: Callable[[], bool]) -> None:
        """Drop what is too old or too much, compress the rest of what is stored."""
        self._tidied = time.monotonic()
        oldest_ns = time.time_ns() - int(self._settings.retention.total_seconds() * 1e9)
        try:
            with self._tidying:
                self._remove([each for each in self._removable() if each.path.stat().st_mtime_ns < oldest_ns])
            self.make_room(0)
            for segment in self._removable():
                if not stopped() and not segment.packed:
                    self._pack(segment)
        except OSError as problem:
            log.warning("%s: stored segments stay as they are: %s", self.folder, problem)

    def make_room(self, size: int) -> bool:
        """Drop the oldest stored segments until `size` more bytes fit under `journal.max_size`; whether they do."""
        with self._tidying:
            while self.size_bytes + size > self._settings.max_size:
                oldest = next(iter(self._removable()), None)
                if oldest is None:
                    return False
                self._remove([oldest])
        return True

    def _removable(self) -> list[JournalSegment]:
        """Closed and stored, oldest first; the newest always stays, so that numbers only grow."""
        with self._lock:
            newest = max(self._segments, default=0)
            return [each for each in self._segments.values() if each.number < min(newest, self._stored.segment)]

    def _remove(self, unwanted: list[JournalSegment]) -> None:
        with self._lock:
            for segment in unwanted:
                del self._segments[segment.number]
        for segment in unwanted:
            segment.path.unlink(missing_ok=True)

    def _pack(self, segment: JournalSegment) -> None:
        with self._tidying:
            if segment in self._removable():
                self.put(segments.pack_segment(segment))


def _opened(folder: Path) -> dict[int, JournalSegment]:
    """The folder's segments, the last one without the tail a crash tore."""
    found = segments.list_segments(folder)
    while found:
        number, last = found.popitem()
        whole = last if last.packed else segments.repair_segment(last)
        if whole:
            if lost := last.length - whole.length:
                text = "%s: %d bytes at its end, torn by a crash or damaged, are no record and are removed"
                log.warning(text, last.path, lost)
            return {**found, number: whole}
    return {}


class ItemBacklog:
    """A running total of items by position, from `begin` on. Thread-safe."""

    def __init__(self, begin: JournalPosition) -> None:
        self.begin = begin
        self._ends = [begin]
        self._totals = [0]
        self._lock = threading.Lock()

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
