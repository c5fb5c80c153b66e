"""Sparklines as images: Streamlit strips inline SVG, a data address it leaves alone."""

from collections.abc import Sequence
from urllib.parse import quote

WIDTH_PX, HEIGHT_PX = 160, 28


def svg_sparkline(values: Sequence[float | None], colour: str) -> str:
    """A `data:` address of an SVG line through `values`, broken where one is unknown; empty text for fewer than two."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1
    step = WIDTH_PX / (len(values) - 1)
    points = [
        (i * step, HEIGHT_PX - 2 - (v - low) / span * (HEIGHT_PX - 4)) for i, v in enumerate(values) if v is not None
    ]
    gaps = [i for i, v in enumerate(values) if v is None]
    path = _path(points, {(i + 1) * step for i in gaps})
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" preserveAspectRatio="none">'
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"


def _path(points: Sequence[tuple[float, float]], starts: set[float]) -> str:
    return "".join(f"{'M' if i == 0 or x in starts else 'L'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
