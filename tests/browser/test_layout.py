"""A page on a phone, on paper, and where its filters would do nothing.

Streamlit: the menu of a phone stays over the page that was chosen in it (streamlit/streamlit 7509, 12642); a dark page
is printed dark, with its sidebar (7722, 8502).
"""

import io
from contextlib import closing

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.gestures import ready, settled

PHONE: ViewportSize = {"width": 390, "height": 800}
SIDEBAR = '[data-testid="stSidebar"]'
LAYOUT_SHIFT = """window.moved = 0; new PerformanceObserver(list => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.moved += each.value
}).observe({type: "layout-shift", buffered: true})"""
BOXES = """found => found.map(each => {
    const box = each.getBoundingClientRect()
    return [box.left, box.top, box.right, box.bottom]
})"""


def test_the_menu_of_a_phone_closes_when_a_page_is_chosen_and_the_page_has_its_name(page: Page, url: str) -> None:
    page.set_viewport_size(PHONE)
    ready(page, f"{url}/routing", ".cs-title")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Data")
    expect(page.locator(SIDEBAR)).not_to_be_in_viewport()


def test_the_bar_of_a_phone_folds_into_one_button(page: Page, url: str) -> None:
    page.set_viewport_size(PHONE)
    ready(page, f"{url}/routing?lane=large", ".cs-title")
    expect(page.get_by_role("combobox", name="Lane")).to_be_hidden()
    page.get_by_text("Range and filters").click()
    expect(page.get_by_role("combobox", name="Lane")).to_be_visible()
    assert page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth")


PAGES = ("", "triage", "alerts", "routing", "latency", "cost", "quality", "what_if", "compare", "traces")
PHONE_PAGES = ("triage", "alerts", "latency", "compare")  # which moved when rules of style came after tables


# Web Vitals' bound of what is good. Panels that jiggle into position at first load (grafana/grafana 67953), content
# that moves down as graphs appear, under a pointer about to click (Mikesch-mp/icingaweb2-module-grafana 131), and rules
# of style in st.html that are applied after what they are about was drawn (streamlit/streamlit 9388).
# On a phone little moves a large share of the screen: a busy machine is allowed what is not yet poor.
@pytest.mark.parametrize(
    ("width", "names", "most"), [(1500, PAGES, 0.1), (390, PHONE_PAGES, 0.25)], ids=["desk", "phone"]
)
def test_a_page_hardly_moves_while_it_loads(
    tab: Page, url: str, width: int, names: tuple[str, ...], most: float
) -> None:
    page = tab.context.new_page()
    page.set_viewport_size({"width": width, "height": 1100})
    page.add_init_script(LAYOUT_SHIFT)
    ready(page, f"{url}/data", ".cs-title")  # scripts and fonts are in the cache from here on
    moved = {}
    for name in names:
        ready(page, f"{url}/{name}", ".cs-title, .cs-table, [data-testid=stDataFrame]")
        page.wait_for_timeout(300)
        moved[name] = page.evaluate("window.moved")
    page.close()
    assert {name: share for name, share in moved.items() if share > most} == {}


def test_a_dark_page_prints_light_without_bar_and_menu(page: Page, url: str) -> None:
    ready(page, f"{url}/latency", ".cs-title")
    page.emulate_media(media="print")
    expect(page.locator(".st-key-cs_bar")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("Latency")
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))
    assert pixels.mean() > 200


def test_filters_are_hidden_where_they_do_nothing_and_come_back(page: Page, url: str) -> None:
    ready(page, f"{url}/alerts?range=7d&lane=large", ".cs-table")
    expect(page.get_by_role("combobox", name="Lane")).to_be_hidden()
    expect(page.get_by_text("7d", exact=True)).to_be_hidden()
    expect(page.get_by_text("Local", exact=True)).to_be_visible()  # its times have a zone too
    settled(page)
    page.get_by_role("link", name="Routing").click()
    page.wait_for_url("**/routing?*lane=large*")
    expect(page.get_by_role("combobox", name="Lane")).to_be_visible()


def test_the_tools_of_a_table_lie_over_no_title_where_nothing_hovers(chromium: Browser, url: str) -> None:
    with closing(chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)) as phone:
        page = phone.new_page()
        ready(page, f"{url}/routing", '[data-testid="stDataFrame"]')
        tools = page.get_by_test_id("stElementToolbar")
        expect(tools).not_to_have_count(0)
        expect(tools.first).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_nothing_is_cut_or_overlaps(page: Page, url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    ready(page, url)
    cut = "found => found.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"
    assert page.locator(".cs-tile dd, .cs-tile dt").evaluate_all(cut) == []
    if width > 768:
        page.locator(".st-key-range button").first.wait_for()
        tops = page.locator(".st-key-range button").evaluate_all(BOXES)
        assert len({top for _, top, _, _ in tops}) == 1  # "custom" stands in the line of the others
    page.locator(".js-plotly-plot .xtick text").first.wait_for()
    settled(page)
    for chart in page.locator(".js-plotly-plot").all():
        labels = chart.locator(".xtick text, .ytick text").evaluate_all(BOXES)
        assert not [(a, b) for i, a in enumerate(labels) for b in labels[:i] if overlap(a, b)]


def overlap(one: list[float], other: list[float]) -> bool:
    """Whether two boxes share more than what a line leaves above and below its letters."""
    return all(min(one[i + 2], other[i + 2]) - max(one[i], other[i]) > 3 for i in (0, 1))
