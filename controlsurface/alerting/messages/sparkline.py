"""A metric's course as a line of text, and as a small PNG."""

from collections.abc import Iterator, Sequence
from io import BytesIO

from PIL import Image, ImageDraw

SparklineValues = Sequence[float | None]

BAR_GLYPHS = "▁▂▃▄▅▆▇█"
WIDTH_PX, HEIGHT_PX = 240, 48
INK_RGB, PAPER_RGB = (224, 122, 31), (255, 255, 255)


def sparkline_text(values: SparklineValues) -> str:
    """One sign a value, blank where it is unknown; nothing where all are."""
    scaled = _scale_to_unit(values)
    if all(each is None for each in scaled):
        return ""
    return "".join(
        " " if each is None else BAR_GLYPHS[min(int(each * len(BAR_GLYPHS)), len(BAR_GLYPHS) - 1)] for each in scaled
    )


def sparkline_png(values: SparklineValues) -> bytes:
    """The line through the values, broken where one is unknown; nothing for fewer than two."""
    scaled = _scale_to_unit(values)
    if sum(each is not None for each in scaled) < 2:
        return b""
    image, written = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER_RGB), BytesIO()
    for line in _lines(scaled):
        for lower in (0, 1):  # Pillow's own line of two pixels is one pixel thick here and there
            ImageDraw.Draw(image).line([(x, y + lower) for x, y in line], INK_RGB)
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _scale_to_unit(values: SparklineValues) -> list[float | None]:
    """The values within 0..1; a flat line lies in the middle."""
    known = [each for each in values if each is not None]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)
    return [None if each is None else (each - low) / span if span else 0.5 for each in values]


def _lines(scaled: Sequence[float | None]) -> Iterator[list[tuple[int, int]]]:
    """The points of each stretch without an unknown value."""
    line: list[tuple[int, int]] = []
    for i, each in enumerate([*scaled, None]):
        if each is not None:
            line.append((round(i / (len(scaled) - 1) * (WIDTH_PX - 1)), round((1 - each) * (HEIGHT_PX - 4)) + 1))
        elif line:
            yield line
            line = []
