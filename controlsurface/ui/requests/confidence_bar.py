"""A confidence as a bar from 0 to 1 with the threshold as a tick: below or above is seen without reading numbers."""

from base64 import b64encode
from functools import lru_cache

from controlsurface.charts import Palette
from controlsurface.ui.elements.html_tags import html_tag, html_text

WIDTH_PX, HEIGHT_PX = 96, 26  # a row's height: a table makes pictures as high as that


@lru_cache(maxsize=4096)
def confidence_image(known: float | None, threshold: float | None, colours: Palette) -> str | None:
    """A picture for a cell of a table, as a data address; None where the confidence is unknown, or on another scale."""
    if known is None or not 0 <= known <= 1:
        return None
    known, threshold = round(known, 2), None if threshold is None else round(threshold, 2)
    below = threshold is not None and known < threshold
    colour = colours.changed if below else colours.accent
    parts = [
        f'<rect y="10" width="{WIDTH_PX}" height="6" rx="2" fill="{colours.border}"/>',
        f'<rect y="10" width="{known * WIDTH_PX:.1f}" height="6" rx="2" fill="{colour}"/>',
    ]
    if threshold is not None and 0 <= threshold <= 1:
        x = min(threshold * WIDTH_PX, WIDTH_PX - 2)
        parts.append(f'<rect x="{x:.1f}" y="5" width="2" height="16" fill="{colours.text}"/>')
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{HEIGHT_PX}">{"".join(parts)}</svg>'
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def confidence_bar(known: float | None, threshold: float | None, colours: Palette) -> str:
    """The same as HTML for the card; nothing where there is no picture."""
    picture = confidence_image(known, threshold, colours)
    words = f"confidence {known}, threshold {threshold}"
    return html_tag("div", f'<img src="{picture}" alt="{html_text(words)}">') if picture else ""
