"""A reviewer types a name or a comment and goes on with keys, and with tabs: neither is taken for the other.

Streamlit's fields keep the focus after Enter and apply what is typed later on leaving (streamlit/streamlit 2209, 6858);
a change outside a fragment that comes with one inside is drawn by the fragment alone (9100 is its like).
"""

from playwright.sync_api import Page, expect

from tests.browser.gestures import ready, settled

CARD = ".cs-desk[data-item]"


def test_a_key_after_a_typed_name_labels_and_is_no_part_of_the_name(page: Page, url: str) -> None:
    ready(page, f"{url}/quality?range=7d&part=Review", ".cs-state")
    page.get_by_label("Reviewer").fill("bob")
    page.get_by_label("Reviewer").press("Enter")
    page.wait_for_selector(CARD)
    settled(page)
    item = page.locator(CARD).get_attribute("data-item")
    page.keyboard.press("1")
    page.wait_for_function(f"item => document.querySelector('{CARD}')?.dataset.item !== item", arg=item)
    assert page.get_by_label("Reviewer").input_value() == "bob"
    page.get_by_label("Comment").fill("wrong unit")
    page.get_by_label("Comment").press("Enter")
    settled(page)
    page.keyboard.press("2")
    page.get_by_text("2 of them by you").wait_for()


def test_a_tab_chosen_with_a_name_half_typed_is_shown(page: Page, url: str) -> None:
    ready(page, f"{url}/quality?range=7d&part=Review&reviewer=ann", CARD)
    page.get_by_label("Reviewer").press_sequentially("a")
    page.get_by_text("Calibration", exact=True).click()
    expect(page.locator(".cs-title", has_text="router's confidence")).to_be_visible(timeout=20_000)
    expect(page.locator(CARD)).to_have_count(0)
    page.get_by_text("Review", exact=True).click()
    page.wait_for_selector(CARD)


def test_a_range_chosen_with_a_name_half_typed_is_shown(page: Page, url: str) -> None:
    ready(page, f"{url}/quality?range=7d&part=Review&reviewer=ann", CARD)
    page.get_by_label("Reviewer").press_sequentially("a")
    page.get_by_text("1h", exact=True).click()
    page.wait_for_selector(".cs-state")
