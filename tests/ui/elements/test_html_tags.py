"""HTML by hand: nothing a client sent becomes markup, wherever it is shown."""

from collections import defaultdict
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controlsurface.metrics.catalog import CATALOG
from controlsurface.ui.data.comparison import MetricValue
from controlsurface.ui.elements.html_tags import html_tag, html_text
from controlsurface.ui.requests import request_card
from controlsurface.ui.widgets import tile_row

NASTY = "\"'><img src=x onerror=alert(1)>"


class Elements(HTMLParser):
    """What a browser would see: elements with their attributes, and words."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((name, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.words += data


@given(st.text())
def test_escaped_html_text_is_read_as_it_was(said: str) -> None:
    page = Elements(html_tag("p", html_text(said), title=said))
    assert page.seen == [("p", {"title": said})]
    assert page.words == said


def test_an_unknown_attribute_is_left_out() -> None:
    assert html_tag("p", title=None, class_="a", aria_label="b") == '<p class="a" aria-label="b"></p>'


def test_text_on_a_tile_becomes_no_markup() -> None:
    tile = tile_row.Tile("cost", NASTY, html_text(NASTY), NASTY)
    drawn = tile_row._tile_html(tile, tile_row.TileCourse(CATALOG["cost"], MetricValue(1, 2), MetricValue(), [1, 2]))
    pictures = [sorted(attributes) for name, attributes in Elements(drawn).seen if name == "img"]
    assert pictures == [["alt", "src"]]


def test_text_on_a_card_becomes_no_markup() -> None:
    numbers = dict.fromkeys(("confidence", "threshold", "duration_ms", "ttft_ms", "input_tokens", "output_tokens"), 0.5)
    row: defaultdict[str, Any] = defaultdict(lambda: NASTY, numbers | {"cost_usd": 0.5, "failed": True})
    page = Elements(request_card.request_card_html(row, [row, row], [row]))
    pictures = [attributes for name, attributes in page.seen if name == "img"]  # of the confidence, which is a number
    assert [sorted(each) for each in pictures] == [["alt", "src"]]
    assert str(pictures[0]["src"]).startswith("data:image/svg+xml;base64,")
    assert page.words.count(NASTY) > 20
