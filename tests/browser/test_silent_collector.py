"""A collector that is gone or hangs is said so on the page, above what was shown last, and the page goes on with it.

Streamlit says nothing while a run waits for an answer, and sessions got stuck there (streamlit/streamlit 6442, 9004);
what it says of its own server came back for ever after it was closed (12113).
"""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Page, expect

from controlsurface.shipped_paths import ROOT
from tests.browser.conftest import dashboard, free_port, until
from tests.browser.gestures import ready

SAID_WITHIN_MS = 10_000  # three to five seconds on a quiet machine
PHONE, DESK = {"width": 390, "height": 800}, {"width": 1440, "height": 900}


class CollectorProcess:
    """A collector that can be hung, killed and started again at its address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.browser.collector_process", str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT)
        until(self.answers, "the collector answers", 120)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def end(self) -> None:
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(scope="module")
def hung() -> Iterator[CollectorProcess]:
    found = CollectorProcess()
    yield found
    found.end()


@pytest.fixture(scope="module")
def address(hung: CollectorProcess) -> Iterator[str]:
    with dashboard(hung.url) as url:
        yield url


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_collector_that_hangs_is_said_above_what_was_shown_last(
    page: Page, address: str, hung: CollectorProcess, size: dict[str, int]
) -> None:
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    ready(page, address)
    hung.process.send_signal(signal.SIGSTOP)
    try:
        bar = page.get_by_test_id("stMain").get_by_role("alert")
        expect(bar).to_contain_text("No answer from the collector since", timeout=SAID_WITHIN_MS)
        expect(bar).to_be_in_viewport()
        box, tile = bar.bounding_box(), page.locator(".cs-tile").first.bounding_box()
        assert box
        assert tile
        assert box["y"] + box["height"] <= tile["y"]
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        expect(bar).to_be_visible()
    finally:
        hung.process.send_signal(signal.SIGCONT)
    expect(bar).to_have_count(0)


def test_a_page_opened_while_the_collector_hangs_says_so(page: Page, address: str, hung: CollectorProcess) -> None:
    ready(page, address)
    hung.process.send_signal(signal.SIGSTOP)
    try:
        page.goto(f"{address}/?range=28d")  # a session of its own, about what nobody has asked yet
        said = page.get_by_text(re.compile("The collector does not answer|No answer from the collector since"))
        expect(said.first).to_be_visible(timeout=SAID_WITHIN_MS)
    finally:
        hung.process.send_signal(signal.SIGCONT)
    page.wait_for_selector(".cs-tile")


def test_a_page_drawn_anew_while_the_collector_is_gone_shows_its_last_answers(
    page: Page, address: str, hung: CollectorProcess
) -> None:
    ready(page, f"{address}/?live=true")
    hung.end()
    page.get_by_role("alert").get_by_text("No answer").wait_for()
    page.evaluate("() => document.querySelector('.cs-tile').dataset.old = 'yes'")
    page.get_by_role("combobox", name="Refresh").click()
    page.get_by_role("option", name="off").click()  # draws the page anew
    page.wait_for_timeout(3_000)
    expect(page.locator(".cs-tile")).to_have_count(6)
    expect(page.get_by_text("The collector does not answer")).to_have_count(0)
    hung.start()
    page.get_by_role("alert").get_by_text("No answer").wait_for(state="detached")
