"""What a user does with mouse and address, in a real browser."""

import re

import pytest
import requests
from playwright.sync_api import Page, expect

from controlsurface import charts
from tests.browser.conftest import TOKEN, Collector, Seen, become_new_visitor
from tests.browser.gestures import TABLE, choose, draw, ready, settled

COUNT_RUNS = """() => {
    window.moves = 0
    const seen = {attributes: true, attributeFilter: ["data-test-script-state"]}
    new MutationObserver(() => window.moves++).observe(document.querySelector("[data-testid=stApp]"), seen)
}"""

LIGHT = """() => {
    const app = document.querySelector(".stApp")
    return app && getComputedStyle(app).backgroundColor == "rgb(255, 255, 255)"
}"""


def test_the_overview_needs_nothing_from_outside_and_complains_about_nothing(page: Page, url: str, seen: Seen) -> None:
    ready(page, url)
    expect(page.locator(".js-plotly-plot")).to_have_count(5)
    assert not seen.complaints
    assert not [each for each in seen.addresses if not each.startswith((url, "data:", "blob:", "ws:"))]


def test_every_chart_and_image_has_a_text_alternative(page: Page, url: str) -> None:
    ready(page, url)
    expect(page.locator(".js-plotly-plot")).to_have_count(5)
    assert page.locator("img:not([alt])").count() == 0
    assert (
        page.locator('[data-testid="stPlotlyChart"] [aria-label], [data-testid="stPlotlyChart"][aria-label]').count()
        >= 5
    )


def test_the_dashboard_is_dark_until_its_user_chooses_light(page: Page, url: str) -> None:
    ready(page, url)
    assert background(page) == "rgb(11, 14, 19)"
    page.get_by_test_id("stMainMenu").click()
    page.get_by_test_id("stMainMenuItem-theme-Light").click()
    page.wait_for_function(LIGHT)  # the page is loaded anew, and for a moment nothing is there
    ready(page, f"{url}/triage")
    assert background(page) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).getPropertyValue('--cs-text')") == charts.LIGHT.text


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor"))


def test_a_filter_is_written_into_the_address_and_read_from_it(page: Page, url: str) -> None:
    ready(page, url)
    page.get_by_role("combobox", name="Lane").click()
    page.get_by_role("option", name="large").click()
    page.wait_for_url(re.compile("lane=large"))
    ready(page, page.url)
    expect(page.get_by_label("Selected values").get_by_text("large")).to_be_visible()


def test_a_filter_stays_on_the_next_page(page: Page, url: str) -> None:
    ready(page, f"{url}/traces?lane=large&range=7d", TABLE)
    page.get_by_role("link", name="Overview").click()
    page.wait_for_selector(".cs-tile")
    page.wait_for_url(re.compile(r"/\?(?=.*lane=large)(?=.*range=7d)"))


def test_a_request_row_leads_to_its_waterfall_and_stays_selected_in_another_order(page: Page, url: str) -> None:
    ready(page, f"{url}/traces?range=7d", TABLE)
    choose(page, 2)
    page.wait_for_selector(".cs-fall")
    page.wait_for_url(re.compile("request="))
    sentence = page.locator(".cs-why").inner_text()
    page.get_by_text("Slowest", exact=True).click()
    page.wait_for_url(re.compile("order=Slowest"))
    settled(page)
    assert page.locator(".cs-why").inner_text() == sentence
    address = page.url
    become_new_visitor(page)
    ready(page, address, ".cs-fall")
    assert page.locator(".cs-why").inner_text() == sentence


def test_a_selection_in_the_confidence_chart_leads_to_its_requests(page: Page, url: str) -> None:
    ready(page, f"{url}/?range=7d")
    draw(page, 1)
    page.get_by_text("Show the requests from").click()
    page.wait_for_url(re.compile(r"traces\?(?=.*range=custom)(?=.*confidence_min=0\.\d+)(?=.*from=2)"))
    page.wait_for_selector(TABLE)


def test_a_selection_zooms_and_back_leads_out_again(page: Page, url: str) -> None:
    ready(page, f"{url}/?range=7d")
    draw(page, 0)
    page.get_by_text("Zoomed to").wait_for()
    settled(page)
    zoomed = page.url
    assert "zoom=2" in zoomed
    page.get_by_role("link", name="Latency").click()
    page.wait_for_url(re.compile(r"latency\?.*zoom=2"))  # other pages show the same time
    page.locator(".cs-title", has_text="By model").first.wait_for()
    settled(page)
    page.go_back()
    page.wait_for_selector(".cs-tile")
    settled(page)
    page.go_back()
    page.wait_for_url(re.compile(r"/\?range=7d$"))
    page.get_by_text("Zoomed to").wait_for(state="detached")
    ready(page, zoomed)
    page.get_by_text("What is different from").click()
    page.wait_for_url(re.compile(r"triage\?(?=.*metric=escalation_rate)(?=.*spike_from=2)"))
    page.wait_for_selector(".cs-different")


def test_a_selection_on_triage_is_explained(page: Page, url: str) -> None:
    ready(page, f"{url}/triage?range=7d")
    draw(page, 0)
    page.wait_for_url(re.compile("spike_from=2"))
    page.get_by_text("Clear the selection").wait_for()
    page.go_back()
    page.get_by_text("Clear the selection").wait_for(state="detached")


def test_a_panel_shows_its_sql_once_it_is_asked(page: Page, url: str) -> None:
    ready(page, f"{url}/?range=7d")
    assert page.get_by_text("GROUP BY").count() == 0
    page.get_by_role("button", name="SQL").first.click()
    page.get_by_text("GROUP BY").first.wait_for()


def test_the_page_comes_back_by_itself_when_the_collector_does(page: Page, url: str, collector: Collector) -> None:
    ready(page, url)
    collector.stop()
    page.get_by_text("3d", exact=True).click()
    page.get_by_text("The collector does not answer").wait_for()
    collector.start()
    page.wait_for_selector(".cs-tile")
    page.get_by_text("The collector does not answer").wait_for(state="detached")


def test_live_refresh_keeps_what_is_chosen(page: Page, url: str) -> None:
    ready(page, f"{url}/traces?range=7d&live=true", TABLE)
    choose(page, 1)
    page.wait_for_selector(".cs-fall")
    page.wait_for_url(re.compile("request=.*&at="))
    settled(page)
    sentence, address = page.locator(".cs-why").inner_text(), page.url
    page.evaluate(COUNT_RUNS)
    page.wait_for_function("() => window.moves > 1")  # it ran, and ended
    settled(page)
    assert (page.locator(".cs-why").inner_text(), page.url) == (sentence, address)


def test_the_dashboard_shows_nothing_before_its_token_is_given(page: Page, guarded: str) -> None:
    page.goto(f"{guarded}/?range=7d")
    page.get_by_label("Token of this server").fill("open barley")
    page.get_by_role("button").click()
    page.get_by_text("That is not the token").wait_for()
    page.get_by_label("Token of this server").fill(TOKEN)
    page.get_by_role("button").click()
    page.wait_for_selector(".cs-tile")
    assert "range=7d" in page.url


@pytest.mark.parametrize("path", ["/", "/static/"])
def test_the_first_files_of_the_dashboard_are_compressed(url: str, path: str) -> None:
    if path != "/":
        path = re.findall(r'src="\./(static/js/index[^"]+)"', requests.get(url, timeout=20).text)[0]
    answer = requests.get(f"{url}/{path.lstrip('/')}", timeout=20)
    assert answer.headers["content-encoding"] == "gzip"
