"""The next sound record behind damage, found by what a record's frame must look like and proved by its checksum.

Records have no mark of their own, so that segments of every age are read alike. A place where a record may begin has a
known signal, a length that fits, and a time of receipt near that of the records before it; few places that are none
pass, and each that does costs one checksum.
"""

import struct
import zlib

import numpy as np

RECORD_FRAME = struct.Struct("<IIQIB")  # CRC-32, length, time received, items, signal
SIGNAL_COUNT = 3
MAX_TIME_DISTANCE_NS = 1 << 54  # 208 days: a segment is far shorter
_CHUNK_BYTES = 1 << 20  # places looked at together


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
    for begin in range(at + 1, len(data) - RECORD_FRAME.size + 1, _CHUNK_BYTES):
        for place in _candidates(data, begin, min(begin + _CHUNK_BYTES, len(data) - RECORD_FRAME.size + 1), near_ns):
            if is_record(data, int(place)):
                return int(place)
    return len(data)


def _candidates(data: bytes, begin: int, end: int, near_ns: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The places from `begin` to below `end` that look like the beginning of a record."""
    raw = np.frombuffer(data, np.uint8)
    places = begin + np.flatnonzero(raw[begin + 20 : end + 20] < SIGNAL_COUNT)
    lengths = _numbers(raw, places + 4, 4)
    places = places[lengths <= (len(data) - RECORD_FRAME.size - places).astype(np.uint64)]
    times = _numbers(raw, places + 8, 8)
    low, high = max(near_ns - MAX_TIME_DISTANCE_NS, 0), near_ns + MAX_TIME_DISTANCE_NS
    return places[(times >= np.uint64(low)) & (times <= np.uint64(high))]


def _numbers(
    raw: "np.ndarray[tuple[int], np.dtype[np.uint8]]", places: "np.ndarray[tuple[int], np.dtype[np.int64]]", size: int
) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """The little-endian numbers of `size` bytes at these places."""
    found = np.zeros(len(places), np.uint64)
    for n in range(size):
        found |= raw[places + n].astype(np.uint64) << np.uint64(8 * n)
    return found
