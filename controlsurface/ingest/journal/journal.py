"""The append-only record of everything that was answered: durable before the answer, in groups.

One thread writes: it takes all bodies that wait, appends them, syncs once, and only then are they answered. A write
that meets a full disk is taken back and refused; a failed sync ends acceptance until the journal is opened anew,
since after it nobody can say what the disk holds. Stored segments are compressed, and dropped by age and size.
"""

import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from controlsurface import config
from controlsurface.errors import Busy, DiskFull
from controlsurface.ingest.journal import segment_file as segments
from controlsurface.ingest.journal.segment_file import JournalPosition, JournalRecord, JournalSegment
from controlsurface.ingest.journal.segments import START_POSITION, ItemBacklog, SegmentSet
from controlsurface.ingest.wire.otlp_request import Signal

log = logging.getLogger(__name__)

_DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_BYTES = 8 << 20


class _Waiting(NamedTuple):
    """A body on its way to the disk."""

    head: bytes
    payload: bytes
    items: int
    done: "Future[JournalPosition]"

    @property
    def size(self) -> int:
        return len(self.head) + len(self.payload)


class Journal:
    """The journal in one folder, owned by this process."""

    def __init__(self, folder: Path, settings: config.JournalConfig) -> None:
        """Open and repair. Raises StoreError where a file is not a journal segment."""
        self._settings = settings
        self._shelf = SegmentSet(folder, settings)
        newest = self._shelf.newest()
        self.end = newest.end if newest else START_POSITION  # the position after the last durable record
        self._tally = ItemBacklog(self.end)
        self._fd = -1
        self._begun = 0.0
        self._queue: list[_Waiting] = []
        self._closing = False
        self._wakes = 0
        self.failure = ""  # why nothing is accepted any more; empty while all is well
        self._damage: dict[tuple[int, int], int] = {}  # bytes that could not be read, by where they begin
        self._changed = threading.Condition()
        self._tidier = ThreadPoolExecutor(1, "journal-tidy")
        self._committer = threading.Thread(target=self._run, name="journal", daemon=True)
        self._committer.start()

    def append(self, signal: Signal, payload: bytes, items: int, received_ns: int) -> "Future[JournalPosition]":
        """Done when the body is on the disk; fails with DiskFull or Busy. Raises Busy where nothing is taken."""
        waiting = _Waiting(segments.frame_record(signal, payload, items, received_ns), payload, items, Future())
        waiting.done.set_running_or_notify_cancel()
        with self._changed:
            if self.failure or self._closing:
                raise Busy(self.failure or "the journal is closing")
            self._queue.append(waiting)
            self._changed.notify_all()
        return waiting.done

    def read(self, after: JournalPosition, max_bytes: int) -> list[JournalRecord]:
        """Durable records of one segment after a position; empty at the end. Damage is skipped, and counted."""
        end = self.end
        while after < end and (segment := self._shelf.next(after)) and segment.number <= end.segment:
            start = max(after.offset if after.segment == segment.number else 0, len(segments.MAGIC))
            limit = end.offset if end.segment == segment.number else segment.length
            try:
                found = segments.read_records(segment, start, limit, max_bytes)
                after = found[-1].end if found else self._behind_damage(segment, start, limit)
            except FileNotFoundError:  # compressed or dropped since, unless someone else removed it
                if self._shelf.is_lost(segment):
                    log.error("%s is gone; what it held and was not stored is lost", segment.path)  # noqa: TRY400
                continue
            if found:
                return found
        return []

    def _behind_damage(self, segment: JournalSegment, start: int, limit: int) -> JournalPosition:
        """Where to go on after nothing could be read at a place; what is skipped is said and counted once."""
        if start >= limit:
            return JournalPosition(segment.number + 1, 0)
        behind = segments.next_sound_offset(segment, start, limit)
        with self._changed:
            is_new = (segment.number, start) not in self._damage
            self._damage[segment.number, start] = behind - start
        if is_new:
            log.error("%s: damaged at byte %d; %d bytes cannot be read", segment.path, start, behind - start)
        return JournalPosition(segment.number, behind)

    @property
    def damage(self) -> tuple[int, int]:
        """Places at which damage was met, at least a record each, and the bytes that could not be read."""
        with self._changed:
            return len(self._damage), sum(self._damage.values())

    def wait(self, after: JournalPosition, timeout_s: float) -> bool:
        """Whether something durable lies beyond a position, at the latest after `timeout_s` or a call of `wake`."""
        with self._changed:
            wakes = self._wakes
            self._changed.wait_for(lambda: self.end > after or self._closing or self._wakes > wakes, timeout_s)
            return self.end > after

    def wake(self) -> None:
        """End every `wait`."""
        with self._changed:
            self._wakes += 1
            self._changed.notify_all()

    def backlog(self, after: JournalPosition) -> int:
        """How many items lie beyond a position; reads the journal only the first time."""
        if after < self._tally.begin:
            self._tally.extend_back(after, self._records(after, self._tally.begin))
        return self._tally.beyond(after)

    def _records(self, after: JournalPosition, end: JournalPosition) -> Iterator[JournalRecord]:
        while after < end and (found := self.read(after, _READ_BYTES)):
            yield from (each for each in found if each.end <= end)
            after = found[-1].end

    def release(self, stored: JournalPosition) -> None:
        """Everything before `stored` is in the store: it may be compressed, and dropped by age and size."""
        self._tally.forget(stored)
        if self._shelf.release(stored) and not self._closing:
            self._tidier.submit(self._shelf.tidy, lambda: self._closing)

    @property
    def full(self) -> str:
        """Why the disk takes nothing at the moment; empty while it does."""
        try:
            self._make_room(0)
        except DiskFull as problem:
            return str(problem)
        return ""

    @property
    def pending_bytes(self) -> int:
        """Bytes answered and not yet in the store."""
        return self._shelf.pending_bytes

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._committer.join()
        self._tidier.shutdown()
        self._close_segment()

    def _run(self) -> None:
        """The one thread that writes."""
        while batch := self._taken():
            try:
                self._commit(batch)
            except DiskFull as problem:
                _refuse(batch, problem)
            except Exception as problem:  # noqa: BLE001 (whatever it is, none of these may be answered)
                self._fail(batch, problem)

    def _taken(self) -> list[_Waiting]:
        """All that waits; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            batch, self._queue = self._queue, []
        return batch

    def _commit(self, batch: list[_Waiting]) -> None:
        """Append, sync, answer. Raises DiskFull with nothing changed, OSError where the disk cannot be trusted."""
        size = sum(each.size for each in batch)
        self._make_room(size)
        segment = self._open_segment()
        self._write(segment, batch)
        os.fdatasync(self._fd)
        end = segment.length + size
        self._shelf.put(replace(segment, size=end, length=end))
        ends = self._count(batch, segment.end)
        with self._changed:
            self.end = ends[-1]
            self._changed.notify_all()
        for each, position in zip(batch, ends, strict=True):
            each.done.set_result(position)

    def _count(self, batch: list[_Waiting], begin: JournalPosition) -> list[JournalPosition]:
        """Where each body ends."""
        ends = []
        for each in batch:
            begin = JournalPosition(begin.segment, begin.offset + each.size)
            self._tally.add(begin, each.items)
            ends.append(begin)
        return ends

    def _make_room(self, size: int) -> None:
        """Raises DiskFull where the disk or `journal.max_size` has no room."""
        folder = self._shelf.folder
        if shutil.disk_usage(folder).free - size < self._settings.min_free:
            raise DiskFull(f"{folder}: fewer than journal.min_free = {self._settings.min_free} bytes would be left")
        if not self._shelf.make_room(size):
            raise DiskFull(f"{folder}: journal.max_size is reached by bodies that are not stored yet")

    def _open_segment(self) -> JournalSegment:
        """The segment to append to; a new one where the last is full, old, or from before this start."""
        newest = self._shelf.newest()
        if newest and self._fd >= 0 and newest.length < self._settings.segment and not self._is_old():
            return newest
        self._close_segment()
        # A fresh folder counts from the clock, so that no position a store remembers lies ahead of it.
        number = newest.number + 1 if newest else time.time_ns() // 1_000_000
        try:
            self._fd, segment = segments.create_segment(self._shelf.folder, number)
        except OSError as problem:
            raise _full(problem) from None
        self._begun = time.monotonic()
        self._shelf.put(segment)
        return segment

    def _is_old(self) -> bool:
        """Only whole segments are dropped, so in quiet times one must not grow for weeks."""
        return time.monotonic() - self._begun > max(60, self._settings.retention.total_seconds() / 7)

    def _close_segment(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, segment: JournalSegment, batch: list[_Waiting]) -> None:
        """Append all; where the disk is full, take back what was written."""
        try:
            segments.write_all(self._fd, (part for each in batch for part in (each.head, each.payload)))
        except OSError as problem:
            os.ftruncate(self._fd, segment.length)
            raise _full(problem) from None

    def _fail(self, batch: list[_Waiting], problem: Exception) -> None:
        """Nobody knows what the disk holds: answer none of these, accept nothing more."""
        folder = self._shelf.folder
        log.critical("%s: %s; nothing is accepted until the journal is opened anew", folder, problem)
        with self._changed:
            self.failure = f"the journal cannot be written: {problem}"
            batch, self._queue = batch + self._queue, []
        _refuse(batch, Busy(self.failure))


def _full(problem: OSError) -> OSError | DiskFull:
    return DiskFull(str(problem)) if problem.errno in _DISK_FULL_ERRNOS else problem


def _refuse(batch: list[_Waiting], problem: Busy) -> None:
    for each in batch:
        each.done.set_exception(type(problem)(str(problem)))
