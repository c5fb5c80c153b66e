"""What browsers are told about the dashboard's pages and the API, and that every page still works under it.

Signing in is tried in a browser because of rails/rails#28299 and colbymchenry/codegraph#1498: under `no-referrer` a
form of one's own says that it comes from the origin `null`.
"""

import socket
from contextlib import ExitStack

import pytest
import requests
from playwright.sync_api import Page

from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.ui.data.visitor import COOKIE_NAME
from tests.browser.conftest import TOKEN, Collector, Seen
from tests.browser.gestures import TABLE, settled
from tests.web.test_connections import is_cut_off

PAGES = sorted(path.stem for path in DASHBOARDS.glob("*.py") if path.stem not in {"app", "overview"})
NOT_FOUND = "status of 404"  # Streamlit looks for its own files beside a page before it looks at the root


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/static/nothing.js", "/app/static/icon.svg"])
def test_every_dashboard_response_has_security_headers(url: str, path: str) -> None:
    told = requests.get(url + path, timeout=30).headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["X-Frame-Options"] == "DENY"
    assert told["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
    assert "'unsafe-inline'" not in told["Content-Security-Policy"].partition("style-src")[0]
    assert "unsafe-eval'" not in told["Content-Security-Policy"].replace("wasm-unsafe-eval'", "")


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/api/v1/metrics", "/nothing", "/api/v1/query"])
def test_every_api_response_has_security_headers(collector: Collector, path: str) -> None:
    told = requests.get(collector.url + path, timeout=30).headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Content-Security-Policy"].startswith("default-src 'none'; frame-ancestors 'none'")


@pytest.mark.parametrize("name", ["", *PAGES])
def test_a_page_renders_without_content_security_policy_violation(page: Page, url: str, seen: Seen, name: str) -> None:
    page.goto(f"{url}/{name}")
    page.wait_for_selector("[data-testid=stMain] :is(h2, h3):visible, .cs-tile, .cs-state")
    settled(page)
    assert [each for each in seen.complaints if NOT_FOUND not in each] == []
    assert all(each.startswith((url, "data:", "blob:", url.replace("http", "ws"))) for each in seen.addresses)


def test_a_cross_origin_page_cannot_frame_the_dashboard(page: Page, url: str) -> None:
    page.set_content(f'<iframe src="{url}" id="f"></iframe>')
    page.wait_for_timeout(1500)
    frame = page.frames[-1]
    assert "stApp" not in frame.content()


def test_a_sign_in_lasts_until_it_is_ended(page: Page, guarded: str) -> None:
    page.goto(f"{guarded}/?range=7d")
    page.fill("#token", TOKEN)
    page.click("button")
    page.wait_for_selector(".cs-tile")
    cookie = page.context.cookies()[0]["value"]
    page.click("text=Sign out")
    page.click("button")
    page.wait_for_selector("#token")
    page.context.add_cookies([{"name": COOKIE_NAME, "value": cookie, "url": guarded}])  # a copy is worth nothing either
    page.goto(guarded)
    assert page.locator("#token").is_visible()


def test_a_cross_origin_sign_in_is_refused(guarded: str) -> None:
    foreign = {"Origin": "http://evil.example"}
    answer = requests.post(guarded, data={"token": TOKEN}, headers=foreign, timeout=30, allow_redirects=False)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_idle_connections_keep_nobody_from_the_dashboard(url: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    with ExitStack() as ends:
        crowd = [ends.enter_context(socket.create_connection((host, int(port)), timeout=10)) for _ in range(400)]
        assert requests.get(f"{url}/_stcore/health", timeout=9).ok
        assert is_cut_off(crowd[0])  # the one that was idle longest made room


def test_a_table_is_downloaded_by_our_own_button_alone(page: Page, url: str) -> None:
    page.goto(f"{url}/cost")
    page.wait_for_selector(TABLE)
    settled(page)
    page.locator(TABLE).first.hover()
    page.get_by_label("Search").first.wait_for()  # the toolbar is there
    assert page.get_by_label("Download as CSV").count() > 0
    assert not any(each.is_visible() for each in page.get_by_label("Download as CSV").all())
