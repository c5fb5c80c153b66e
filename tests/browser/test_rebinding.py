"""A page on another site whose name was made to point here, in a real browser: it reads nothing and changes nothing."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.conftest import CHROMIUM, FLAGS, Collector

EVIL = "evil.example"
FETCH = """async ([url, options]) => {
    try { const answer = await fetch(url, options); return [answer.status, await answer.text()]; }
    catch (problem) { return [0, String(problem)]; }
}"""
SOCKET = """url => new Promise(done => {
    const socket = new WebSocket(url, ["streamlit"]);
    socket.onopen = () => done("open");
    socket.onclose = () => done("closed");
})"""
EVENT = '{"at": "2026-01-05T10:00:00Z", "kind": "deploy", "title": "forged"}'
POLICY = '{"policy": {"thresholds": {"default": 0.0}}, "who": "x", "why": "y"}'


@pytest.fixture(scope="module")
def rebound(playwright: Playwright) -> Iterator[Browser]:
    """A browser to which the attacker's name means this machine."""
    flags = [*FLAGS, f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield browser
    browser.close()


@pytest.fixture
def evil(rebound: Browser) -> Iterator[Page]:
    context = rebound.new_context()
    yield context.new_page()
    context.close()


def named(url: str) -> str:
    return url.replace("127.0.0.1", EVIL)


class Lure(BaseHTTPRequestHandler):
    """The attacker's own page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>free pizza</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def lure() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lure)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{EVIL}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_rebound_page_reads_nothing_of_the_api_and_changes_nothing(evil: Page, collector: Collector) -> None:
    evil.goto(f"{named(collector.url)}/healthz")
    assert evil.evaluate("location.hostname") == EVIL
    status, text = evil.evaluate(FETCH, [f"{named(collector.url)}/api/v1/requests?limit=1", {}])
    assert status in {0, 421}  # 0: our own policy keeps its pages from fetching anything
    assert "request_id" not in text
    for path, method, body in (("events", "POST", EVENT), ("policy", "PUT", POLICY), ("lanes", "POST", "{}")):
        options = {"method": method, "body": body, "headers": {"Content-Type": "application/json"}}
        status, _ = evil.evaluate(FETCH, [f"{named(collector.url)}/api/v1/{path}", options])
        assert status in {0, 421}


def test_a_rebound_dashboard_is_not_served(evil: Page, url: str) -> None:
    answer = evil.goto(named(url))
    assert answer is not None
    assert answer.status == 421
    assert "stApp" not in evil.content()


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1"])
def test_a_cross_origin_page_opens_no_socket_of_the_dashboard(evil: Page, lure: str, url: str, host: str) -> None:
    evil.goto(lure)
    assert evil.evaluate(SOCKET, url.replace("http://127.0.0.1", f"ws://{host}") + "/_stcore/stream") == "closed"


def test_a_cross_origin_page_changes_nothing_by_a_form(evil: Page, lure: str, collector: Collector) -> None:
    evil.goto(lure)
    for kind in ("text/plain", "application/json"):
        options = {"method": "POST", "body": EVENT, "mode": "no-cors", "headers": {"Content-Type": kind}}
        evil.evaluate(FETCH, [f"{collector.url}/api/v1/events", options])
    evil.goto(f"{collector.url}/api/v1/events?start=2026-01-01&end=2026-01-09")
    assert "events" in evil.content()
    assert "forged" not in evil.content()
