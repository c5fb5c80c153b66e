"""Who sees little, or uses no mouse, is not kept out: axe-core (axe/, MPL-2.0) finds no violation, in either theme."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from controlsurface import charts
from tests.browser.gestures import TABLE, choose, ready, settled

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
TEXT = {"Dark": charts.DARK.text, "Light": charts.LIGHT.text}
PAGES = {  # and what each draws last
    "Triage": "Example requests",
    "Alerts": "Notifications",
    "Routing": "Router versions",
    "Latency": "By model",
    "Cost": "Cost and tokens by model",
    "Quality": "How often the lanes disagree",
    "What-if": "Policies",
    "Compare": "Task types",
    "Data": "Sources",
}


def violations(page: Page, rules: str = "") -> list[str]:
    """What axe complains about, each with the first element that it means."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(f"axe.run(document, {{resultTypes: ['violations']{rules}}})")
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]


@pytest.mark.parametrize(("theme", "rules"), [("Dark", ""), ("Light", ", runOnly: ['color-contrast']")])
def test_a_page_has_no_accessibility_violation(page: Page, url: str, theme: str, rules: str) -> None:
    ready(page, f"{url}/?range=7d")
    page.get_by_test_id("stMainMenu").click()
    page.get_by_test_id(f"stMainMenuItem-theme-{theme}").click()
    page.wait_for_function(f"() => getComputedStyle(document.body).getPropertyValue('--cs-text') == '{TEXT[theme]}'")
    page.keyboard.press("Escape")
    page.get_by_test_id("stMainMenuList").wait_for(state="detached")
    settled(page)
    found = {"Overview": violations(page, rules)}
    for name, last in PAGES.items():
        page.get_by_role("link", name=name, exact=True).first.click()
        page.locator(".cs-title", has_text=last).first.wait_for()
        settled(page)
        found[name] = violations(page, rules)
    assert not {name: said for name, said in found.items() if said}


def test_a_request_on_a_phone_has_no_accessibility_violation(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    ready(page, f"{url}/traces?range=7d", TABLE)
    choose(page, 1)
    page.wait_for_selector(".cs-fall")
    settled(page)
    assert not violations(page)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth")
