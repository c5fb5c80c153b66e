"""A packed segment: each record a zstd frame of its own behind a header, so that damage costs no other record.

A header is one of zstd's skippable frames (RFC 8878, section 3.1.2): `zstd -d` unpacks the file as a whole. Packed
segments of before are one stream without headers, of which what lies before damage is read.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

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
    try:
        with pa.input_stream(str(path), compression="zstd") as stream:
            left = offset
            while left and (skipped := stream.read(min(_CHUNK_BYTES, left))):
                left -= len(skipped)
            while len(found) < size and (part := stream.read(min(_CHUNK_BYTES, size - len(found)))):
                found += part
    except OSError:  # what the compression notices
        pass
    return bytes(found)
