"""Sparklines: an image address that is whole SVG, whatever the values."""

from urllib.parse import unquote
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from controlsurface.charts import svg_sparkline

VALUES = st.lists(st.none() | st.floats(-1e12, 1e12), max_size=200)


@given(VALUES)
def test_a_sparkline_is_an_image_or_nothing(values: list[float | None]) -> None:
    address = svg_sparkline(values, "#5B9DFF")
    if sum(value is not None for value in values) < 2:
        assert address == ""
    else:
        ET.fromstring(unquote(address.removeprefix("data:image/svg+xml,")))


def test_a_gap_breaks_the_sparkline() -> None:
    assert unquote(svg_sparkline([1, 2, None, 2, 1], "#fff")).count("M") == 2


def test_a_sparkline_address_cannot_end_its_attribute() -> None:
    assert not {'"', "'", "<", " "} & set(svg_sparkline([1, 2], '"><script>'))
