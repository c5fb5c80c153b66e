"""Hover over a time chart says the time once, and every line under its whole name with its rows, the largest first.

Streamlit sets the figure's own hovermode where selection is on, which beats a template's (streamlit/streamlit 8766);
plotly.js lists lines by their place in the figure unless told (plotly/plotly.js 5362) and cuts names at 15 characters.
"""

import re

from playwright.sync_api import Page

from tests.browser.gestures import CHART, ready

UNIFIED = ".hoverlayer .legend"


def hovered(page: Page, chart: int) -> list[str]:
    """The words of the box over the middle of a chart, a line each."""
    found = page.locator(CHART).nth(chart)
    found.locator(".nsewdrag").first.wait_for()
    box = found.bounding_box()
    assert box
    found.hover(position={"x": box["width"] * 0.6, "y": box["height"] / 2})
    found.locator(UNIFIED).wait_for()
    return found.locator(f"{UNIFIED} text").all_text_contents()


def test_a_time_chart_says_time_names_values_and_rows_largest_first(page: Page, url: str) -> None:
    ready(page, f"{url}/?range=7d")
    title, *lines = hovered(page, 0)
    assert re.fullmatch(r"\w{3} \d+ \d\d:\d\d UTC", title)
    assert len(lines) == 7  # six task types and the unknown: each has a bucket, as wide as it needs to be
    assert all(re.search(r"^\w+ : \d+\.\d%\s+n \d+( over [\d.]+ (min|h|d))?$", line) for line in lines), lines
    values = [float(line.partition(" : ")[2].partition("%")[0]) for line in lines]
    assert values == sorted(values, reverse=True)


def test_triage_names_the_metric_that_it_draws(page: Page, url: str) -> None:
    ready(page, f"{url}/triage?range=7d")
    assert hovered(page, 0)[1].startswith("Escalation rate : ")
