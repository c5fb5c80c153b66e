"""A metric's course as a line of text, and as a small PNG."""

from collections.abc import Iterator, Sequence
from io import BytesIO

from PIL import Image, ImageDraw

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
    image, written = Image.new("RGB", (WIDTH, HEIGHT), PAPER), BytesIO()
    for line in _lines(scaled):
        for lower in (0, 1):  # Pillow's own line of two pixels is one pixel thick here and there
            ImageDraw.Draw(image).line([(x, y + lower) for x, y in line], INK)
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _scaled(values: Values) -> list[float | None]:
    """The values within 0..1; a flat line lies in the middle."""
    known = [each for each in values if each is not None]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)
    return [None if each is None else (each - low) / span if span else 0.5 for each in values]


def _lines(scaled: Sequence[float | None]) -> Iterator[list[tuple[int, int]]]:
    """The points of each stretch without an unknown value."""
    line: list[tuple[int, int]] = []
    for i, each in enumerate([*scaled, None]):
        if each is not None:
            line.append((round(i / (len(scaled) - 1) * (WIDTH - 1)), round((1 - each) * (HEIGHT - 4)) + 1))
        elif line:
            yield line
            line = []
