"""One file of the journal: framing, checksums, finding a torn tail, compression once it is stored.

A segment is eight bytes of MAGIC and then records, each a frame (CRC-32, length, time received, items, signal) and
its payload. The checksum covers the rest of the frame as well, so a file of zeros holds no record.
"""

import os
import re
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

from controlsurface.errors import StoreError
from controlsurface.ingest.journal.salvage import RECORD_FRAME, is_record, next_record, packed_bytes, write_frames
from controlsurface.ingest.wire.otlp_request import SIGNALS, Signal

JOURNAL_FOLDER = "journal"  # of the data directory
MAGIC = b"CSJRNL1\n"
_CHECKED = struct.Struct("<IQIB")  # the frame without its checksum
_CHUNK_BYTES = 4 << 20
_PLAIN_NAME = "{number:016d}.journal"
_PACKED_NAME = "{number:016d}.{length}.journal.zst"
_NAME = re.compile(r"(\d+)(?:\.journal|\.(\d+)\.journal\.zst)")


@dataclass(frozen=True, order=True, slots=True)
class JournalPosition:
    """A place between two records; Position(0, 0) is before everything."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One answered body, as it may be kept; `end` is the position after it, `received_ns` since the epoch."""

    signal: Signal
    payload: bytes
    items: int
    received_ns: int
    end: JournalPosition


@dataclass(frozen=True, slots=True)
class JournalSegment:
    """A segment on disk: `size` bytes as it lies there, `length` bytes as it was written."""

    number: int
    path: Path
    size: int
    length: int

    @property
    def packed(self) -> bool:
        """Compressed, so nothing is appended any more."""
        return self.path.suffix == ".zst"

    @property
    def end(self) -> JournalPosition:
        """The position after its last record."""
        return JournalPosition(self.number, self.length)


def frame_record(signal: Signal, payload: bytes, items: int, received_ns: int) -> bytes:
    """What stands before a payload."""
    rest = _CHECKED.pack(len(payload), received_ns, items, SIGNALS.index(signal))
    return zlib.crc32(payload, zlib.crc32(rest)).to_bytes(4, "little") + rest


def parse_records(data: bytes, number: int, offset: int) -> Iterator[JournalRecord]:
    """The sound records at the beginning of `data`, which lies at `offset` of segment `number`."""
    at = 0
    while at + RECORD_FRAME.size <= len(data):
        checksum, length, received_ns, items, signal = RECORD_FRAME.unpack_from(data, at)
        body = at + RECORD_FRAME.size
        payload = data[body : body + length]
        rest = zlib.crc32(memoryview(data)[at + 4 : body])
        if len(payload) < length or signal >= len(SIGNALS) or zlib.crc32(payload, rest) != checksum:
            return
        at = body + length
        yield JournalRecord(SIGNALS[signal], payload, items, received_ns, JournalPosition(number, offset + at))


def read_records(segment: JournalSegment, start: int, limit: int, max_bytes: int) -> list[JournalRecord]:
    """Records between two offsets, at least one where a sound one follows, else as many as fit in `max_bytes`."""
    data = _bytes(segment, start, min(limit, start + max(max_bytes, RECORD_FRAME.size)) - start)
    found = list(parse_records(data, segment.number, start))
    if not found and len(data) >= RECORD_FRAME.size:
        end = start + RECORD_FRAME.size + RECORD_FRAME.unpack_from(data)[1]
        if len(data) < end - start <= limit - start:
            return list(parse_records(_bytes(segment, start, end - start), segment.number, start))
    return found


def _bytes(segment: JournalSegment, offset: int, size: int) -> bytes:
    """Part of a segment, in offsets as it was written."""
    if size <= 0:
        return b""
    try:
        if segment.packed:
            return packed_bytes(segment.path, offset, size)
        with segment.path.open("rb") as file:
            return os.pread(file.fileno(), size, offset)
    except FileNotFoundError:
        raise
    except OSError:  # a bad disk
        return b""


def next_sound_offset(segment: JournalSegment, start: int, limit: int) -> int:
    """Where the first sound record behind the damaged one at `start` begins; `limit` where none does."""
    data = _bytes(segment, start, limit - start)
    found = next_record(data, 0, segment.path.stat().st_mtime_ns)
    return start + found if found < len(data) else limit


def list_segments(folder: Path) -> dict[int, JournalSegment]:
    """The segments of a folder by number, oldest first; what a crash left half done is removed."""
    for path in folder.glob("*.tmp"):
        path.unlink()
    found: dict[int, JournalSegment] = {}
    for path in sorted(folder.iterdir()):
        name = _NAME.fullmatch(path.name)
        if not name:
            continue
        size = path.stat().st_size
        segment = JournalSegment(int(name[1]), path, size, int(name[2] or size))
        twin = found.setdefault(segment.number, segment)
        if twin is not segment:  # packed, and then the crash came before the plain one was removed
            plain, found[segment.number] = (segment, twin) if twin.packed else (twin, segment)
            plain.path.unlink()
    return found


def create_segment(folder: Path, number: int) -> tuple[int, JournalSegment]:
    """A new segment, durable as a file, open for appending. Raises OSError."""
    path = folder / _PLAIN_NAME.format(number=number)
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, [MAGIC])
        os.fsync(fd)
        sync_folder(folder)
    except OSError:
        os.close(fd)
        path.unlink()
        raise
    return fd, JournalSegment(number, path, len(MAGIC), len(MAGIC))


def write_all(fd: int, parts: Iterable[bytes]) -> None:
    """Every byte, in as few calls as the system allows. Raises OSError."""
    left: deque[bytes | memoryview] = deque(part for part in parts if part)
    while left:
        written = os.writev(fd, list(islice(left, 1024)))
        while written:
            head = left.popleft()
            if written < len(head):
                left.appendleft(memoryview(head)[written:])
            written -= min(written, len(head))


def sync_folder(folder: Path) -> None:
    """Make the folder's list of files durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def repair_segment(segment: JournalSegment) -> JournalSegment | None:
    """The segment up to the end of its last sound record; None where it has none. Raises StoreError."""
    begin = _bytes(segment, 0, len(MAGIC))
    if begin != MAGIC and not is_record(_bytes(segment, 0, segment.length), len(MAGIC)):
        if begin.strip(b"\0") and not MAGIC.startswith(begin):
            raise StoreError(f"{segment.path}: not a journal segment of this version")
        segment.path.unlink()
        return None
    end = at = len(MAGIC)
    while at < segment.length:
        found = read_records(segment, at, segment.length, _CHUNK_BYTES)
        at = found[-1].end.offset if found else next_sound_offset(segment, at, segment.length)
        end = at if found else end
    if end == len(MAGIC):
        segment.path.unlink()
        return None
    if end < segment.length:
        with segment.path.open("r+b") as file:
            file.truncate(end)
            os.fsync(file.fileno())
    return replace(segment, size=end, length=end)


def _parts(segment: JournalSegment) -> Iterator[bytes]:
    """The whole segment: its head, each record, and what lies between sound records."""
    yield _bytes(segment, 0, len(MAGIC))
    at = len(MAGIC)
    while at < segment.length:
        if found := read_records(segment, at, segment.length, _CHUNK_BYTES):
            ends = [at, *(each.end.offset for each in found)]
            data = _bytes(segment, at, ends[-1] - at)
            yield from (data[begin - at : end - at] for begin, end in pairwise(ends))
            at = ends[-1]
        else:
            behind = next_sound_offset(segment, at, segment.length)
            yield _bytes(segment, at, behind - at)
            at = behind


def pack_segment(segment: JournalSegment) -> JournalSegment:
    """The segment compressed, under another name, as old as before; the plain one is removed. Raises OSError."""
    path = segment.path.with_name(_PACKED_NAME.format(number=segment.number, length=segment.length))
    half = path.with_suffix(".tmp")
    with half.open("wb") as file:
        write_frames(_parts(segment), file)
        file.flush()
        os.fsync(file.fileno())
    age = segment.path.stat()
    os.utime(half, ns=(age.st_atime_ns, age.st_mtime_ns))
    half.rename(path)
    sync_folder(path.parent)
    segment.path.unlink()
    return replace(segment, path=path, size=path.stat().st_size)
