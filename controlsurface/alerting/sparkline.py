"""A metric's course as a line of text, and as a small PNG written by hand (ISO/IEC 15948)."""

import struct
import zlib
from collections.abc import Iterator, Sequence

Values = Sequence[float | None]

BARS = "▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 240, 48
INK, PAPER = (224, 122, 31), (255, 255, 255)


def text(values: Values) -> str:
    """One sign a value, blank where it is unknown; nothing where all are."""
    scaled = _scaled(values)
    if all(each is None for each in scaled):
        return ""
    return "".join(" " if each is None else BARS[min(int(each * len(BARS)), len(BARS) - 1)] for each in scaled)


def png(values: Values) -> bytes:
    """The line through the values, broken where one is unknown; nothing for fewer than two."""
    scaled = _scaled(values)
    if sum(each is not None for each in scaled) < 2:
        return b""
    rows = [bytearray(bytes(PAPER) * WIDTH) for _ in range(HEIGHT)]
    for x, top, bottom in _strokes(scaled):
        for y in range(top, bottom + 1):
            rows[y][3 * x : 3 * x + 3] = bytes(INK)
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(raw, 9)) + _chunk(b"IEND", b"")


def _scaled(values: Values) -> list[float | None]:
    """The values within 0..1; a flat line lies in the middle."""
    known = [each for each in values if each is not None]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)
    return [None if each is None else (each - low) / span if span else 0.5 for each in values]


def _strokes(scaled: Sequence[float | None]) -> Iterator[tuple[int, int, int]]:
    """For each column of pixels the stretch that the line covers, two pixels thick."""
    last: int | None = None
    for x in range(WIDTH):
        place = x / (WIDTH - 1) * (len(scaled) - 1)
        one, other = scaled[int(place)], scaled[min(int(place) + 1, len(scaled) - 1)]
        if one is None or other is None:
            last = None
            continue
        y = round((1 - one - (other - one) * (place % 1)) * (HEIGHT - 4)) + 1
        top, bottom = sorted((y, y if last is None else last))
        yield x, top, bottom + 1
        last = y


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
