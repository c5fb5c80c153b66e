"""Back, forward, links and deep links stay inside the app, and the address says what is shown.

Streamlit: Back left the app after a control had written the address (streamlit/streamlit 2930, 11305), or changed the
address alone (13853, 13963); a deep link asks for its server under the page's path first, in vain (7074).
"""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.conftest import Seen
from tests.browser.gestures import ready, settled

CHOSEN = '.st-key-range button[aria-checked="true"]'


def test_back_after_a_range_change_shows_the_range_before(page: Page, url: str) -> None:
    ready(page, f"{url}/routing?range=7d", ".cs-title")
    page.get_by_text("3d", exact=True).click()
    page.wait_for_url(re.compile("range=3d"))
    settled(page)
    page.go_back()
    page.wait_for_url(re.compile("range=7d"))
    expect(page.locator(CHOSEN)).to_have_text("7d")
    page.go_forward()
    expect(page.locator(CHOSEN)).to_have_text("3d")
    expect(page.locator(".cs-title").first).to_be_visible()


def test_links_between_pages_keep_what_is_chosen_and_load_nothing_anew(page: Page, url: str, seen: Seen) -> None:
    ready(page, f"{url}/triage?range=7d&lane=large", ".cs-conclusion")
    assert not seen.complaints
    settled(page)
    page.evaluate("window.same = true")
    page.locator("a.cs-link[href^='traces?'][href*='request=']").first.click()
    page.wait_for_url(re.compile("traces"))
    page.wait_for_selector(".cs-fall")
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["range"], asked["lane"]) == (["7d"], ["large"])
    expect(page.locator(CHOSEN)).to_have_text("7d")
    assert page.evaluate("window.same")
    settled(page)
    page.go_back()
    page.wait_for_selector(".cs-conclusion")
    assert page.evaluate("window.same")


def test_an_alert_opens_its_own_window_in_the_app_whatever_was_chosen(page: Page, url: str) -> None:
    ready(page, f"{url}/alerts?range=7d&lane=large", ".cs-table")
    settled(page)
    page.evaluate("window.same = true")
    page.get_by_text("Inspect").first.click()
    page.wait_for_url(re.compile(r"triage\?.*range=custom"))
    page.get_by_text("Clear the selection").wait_for()
    expect(page.locator("[data-testid='stMultiSelect'] [data-tag]")).to_have_text(["code"])
    assert page.evaluate("window.same")
