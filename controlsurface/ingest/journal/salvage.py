"""What is left of damaged journal segments: the next sound record behind damage, and packed frames that stand alone."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlsurface.arrays import Ints

_FIELDS = struct.Struct("<QIII")  # where it lies in the segment, bytes there, bytes packed, CRC-32 of these
_CHECK = struct.Struct("<I")  # CRC-32 of the fields
_TITLE = b"CSJRNL-FRAME"
_MARK = struct.pack("<II", 0x184D2A5C, len(_TITLE) + _FIELDS.size + _CHECK.size) + _TITLE
_HEADER_BYTES = len(_MARK) + _FIELDS.size + _CHECK.size
_CODEC = pa.Codec("zstd")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a header says, and where in the file its frame begins."""

    offset: int
    length: int
    size: int
    checksum: int
    at: int


def write_frames(parts: Iterable[bytes], file: IO[bytes]) -> None:
    """Each part as a header and a frame."""
    offset = 0
    for part in parts:
        packed = _CODEC.compress(part, asbytes=True)
        fields = _FIELDS.pack(offset, len(part), len(packed), zlib.crc32(packed))
        file.write(_MARK + fields + _CHECK.pack(zlib.crc32(fields)) + packed)
        offset += len(part)


def packed_bytes(path: Path, offset: int, size: int) -> bytes:
    """Part of a packed segment, in offsets as it was written; zeros stand for what is damaged. Raises OSError."""
    whole = path.read_bytes()
    if _MARK not in whole:
        return _of_stream(path, offset, size)
    found = bytearray(size)
    last = offset
    for frame in _frames(whole):
        begin, end = max(frame.offset, offset), min(frame.offset + frame.length, offset + size)
        if begin < end:
            plain = _plain(frame, whole)
            found[begin - offset : end - offset] = plain[begin - frame.offset : end - frame.offset]
            last = end
    return bytes(found[: last - offset])


def _frames(whole: bytes) -> Iterator[_Frame]:
    """The frames whose header is sound, in order."""
    at = whole.find(_MARK)
    while at >= 0:
        fields = whole[at + len(_MARK) : at + len(_MARK) + _FIELDS.size]
        check = whole[at + len(_MARK) + _FIELDS.size : at + _HEADER_BYTES]
        if len(check) == _CHECK.size and _CHECK.unpack(check)[0] == zlib.crc32(fields):
            offset, length, size, checksum = _FIELDS.unpack(fields)
            yield _Frame(offset, length, size, checksum, at + _HEADER_BYTES)
            at = whole.find(_MARK, at + _HEADER_BYTES + size)
        else:
            at = whole.find(_MARK, at + 1)


def _plain(frame: _Frame, whole: bytes) -> bytes:
    """What a frame holds; zeros where it is damaged."""
    packed = whole[frame.at : frame.at + frame.size]
    if len(packed) < frame.size or zlib.crc32(packed) != frame.checksum:
        return bytes(frame.length)
    return bytes(_CODEC.decompress(packed, frame.length))


def _of_stream(path: Path, offset: int, size: int) -> bytes:
    """Part of a segment that was packed as one stream, as far as it can be read."""
    found = bytearray()
    with suppress(OSError), pa.input_stream(str(path), compression="zstd") as stream:  # the compression notices damage
        left = offset
        while left and (skipped := stream.read(min(_CHUNK_BYTES, left))):
            left -= len(skipped)
        while len(found) < size and (part := stream.read(min(_CHUNK_BYTES, size - len(found)))):
            found += part
    return bytes(found)


RECORD_FRAME = struct.Struct("<IIQIB")  # CRC-32, length, time received, items, signal
SIGNAL_COUNT = 3
MAX_TIME_DISTANCE_NS = 1 << 54  # 208 days: a segment is far shorter
_PLACES_PER_LOOK = 1 << 20  # places looked at together


def is_record(data: bytes | memoryview, at: int) -> int:
    """Where the record ends that begins at a place; 0 where none does."""
    if at + RECORD_FRAME.size > len(data):
        return 0
    checksum, length, _, _, signal = RECORD_FRAME.unpack_from(data, at)
    end = at + RECORD_FRAME.size + length
    if end > len(data) or signal >= SIGNAL_COUNT:
        return 0
    return end if zlib.crc32(memoryview(data)[at + 4 : end]) == checksum else 0


def next_record(data: bytes, at: int, near_ns: int) -> int:
    """Where the first sound record behind the damaged one at a place begins; the end of the data where none does."""
    if at + RECORD_FRAME.size <= len(data):  # of most damage the length is not part
        end = at + RECORD_FRAME.size + int(RECORD_FRAME.unpack_from(data, at)[1])
        if end == len(data) or is_record(data, end):
            return end
    behind = len(data) - RECORD_FRAME.size + 1
    for begin in range(at + 1, behind, _PLACES_PER_LOOK):
        for place in _candidates(data, begin, min(begin + _PLACES_PER_LOOK, behind), near_ns):
            if is_record(data, int(place)):
                return int(place)
    return len(data)


def _candidates(data: bytes, begin: int, end: int, near_ns: int) -> Ints:
    """The places from `begin` to below `end` that look like the beginning of a record."""
    raw = np.frombuffer(data, np.uint8)
    places = begin + np.flatnonzero(raw[begin + 20 : end + 20] < SIGNAL_COUNT)
    lengths = _numbers(raw, places + 4, 4)
    places = places[lengths <= (len(data) - RECORD_FRAME.size - places).astype(np.uint64)]
    times = _numbers(raw, places + 8, 8)
    low, high = max(near_ns - MAX_TIME_DISTANCE_NS, 0), near_ns + MAX_TIME_DISTANCE_NS
    return places[(times >= np.uint64(low)) & (times <= np.uint64(high))]


def _numbers(raw: NDArray[np.uint8], places: Ints, size: int) -> NDArray[np.uint64]:
    """The little-endian numbers of `size` bytes at these places."""
    found = np.zeros(len(places), np.uint64)
    for n in range(size):
        found |= raw[places + n].astype(np.uint64) << np.uint64(8 * n)
    return found
