"""The dashboard as its users have it: a process of its own before a collector, seen through Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as PlaywrightError

from controlsurface import ui
from controlsurface.api.app import create_app
from controlsurface.client.local_client import LocalClient
from controlsurface.config import Config
from controlsurface.shipped_paths import DASHBOARDS, ROOT
from controlsurface.store.duckdb import DuckStore
from tests.alerting.firing_store import store_firing_alert
from tests.seed import seed

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SERVER = Path(ui.__file__).parent / "app" / "server.py"
TOKEN = "a token of the dashboard"
LATE = "preloaded using link"  # "but not used within a few seconds": the machine was busy, the page is well
SIZE = ViewportSize(width=1500, height=1100)
STORAGES = "cookies,local_storage,indexeddb,cache_storage,service_workers"
PATIENCE_MS = 60_000  # a machine that runs all tests at once draws a page slowly

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser and one dashboard for all tests of the folder."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.no_cover)
            item.add_marker(pytest.mark.xdist_group("browser"))


class Collector:
    """An API over a seeded store that can be stopped and started again at its address."""

    def __init__(self, store: DuckStore) -> None:
        self.app = create_app(LocalClient(store), Config())
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        config = uvicorn.Config(self.app, "127.0.0.1", self.port, log_level="critical", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until(lambda: self.server.started, "the collector listens")

    def stop(self) -> None:
        """End as a killed process does: nobody is answered any more."""
        self.server.force_exit = True
        self.finish()

    def finish(self) -> None:
        """End when all that was asked is answered, so that the store can be closed."""
        self.server.should_exit = True
        self.thread.join(60)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    store = DuckStore.in_memory()
    seed(store, n=4000, days=9, end=datetime.now(UTC))
    store_firing_alert(store)
    found = Collector(store)
    yield found
    found.finish()
    store.close()


@contextmanager
def dashboard(api: str, token: str = "") -> Iterator[str]:
    """A dashboard process; its address."""
    port = free_port()
    command = [sys.executable, "-m", "controlsurface.serve.dashboard", "run", str(SERVER), "--server.port", str(port)]
    more = {"CONTROLSURFACE_API": api, "CONTROLSURFACE_TOKEN": token, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=DASHBOARDS, env=os.environ | more, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or healthy(url), "the dashboard answers")
        assert process.poll() is None, "the dashboard ended before it answered"
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def url(collector: Collector) -> Iterator[str]:
    with dashboard(collector.url) as address:
        yield address


@pytest.fixture(scope="session")
def guarded(collector: Collector) -> Iterator[str]:
    """A dashboard that asks for TOKEN."""
    with dashboard(collector.url, TOKEN) as address:
        yield address


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """While it is there, asyncio is taken on this worker: it ends with the folder."""
    if not Path(CHROMIUM).is_file():
        pytest.skip("chromium is not installed")
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def tab(chromium: Browser) -> Iterator[Page]:
    """The one tab of all tests: what it has compiled once is half of what a load costs."""
    context = new_visitor(chromium)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """A new visitor, in a tab that knows nothing of visitors before."""
    yield tab
    become_new_visitor(tab)


def become_new_visitor(page: Page) -> None:
    """Leave no address, storage, cookie, history, size, medium, pointer or other tab behind; what is compiled stays."""
    for other in page.context.pages:
        if other is not page:
            other.close()
    with suppress(PlaywrightError):  # it was nowhere, or its dashboard has ended
        page.goto(urljoin(page.url, "/_stcore/health"))  # its own origin: others have a process that compiled nothing
    page.mouse.move(0, 0)
    page.emulate_media(media="null")
    if page.viewport_size != SIZE:
        page.set_viewport_size(SIZE)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": STORAGES})
    devtools.send("Page.resetNavigationHistory")
    devtools.detach()


def new_visitor(chromium: Browser, timezone: str | None = None) -> BrowserContext:
    """A visitor whose system is light, and still: drawing what turns while it waits takes a quarter of the time."""
    context = chromium.new_context(viewport=SIZE, color_scheme="light", reduced_motion="reduce", timezone_id=timezone)
    context.set_default_timeout(PATIENCE_MS)
    return context


class Seen:
    """What a page asked for, and what it complained about."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.addresses: list[str] = []

    @contextmanager
    def watching(self, page: Page) -> Iterator["Seen"]:
        listeners = {"console": self._console, "pageerror": self._error, "request": self._request}
        for event, listener in listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]  # one overload for each literal name
        yield self
        for event, listener in listeners.items():
            page.remove_listener(event, listener)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and LATE not in message.text:
            self.complaints.append(message.text)

    def _error(self, error: PlaywrightError) -> None:
        self.complaints.append(str(error))

    def _request(self, request: Request) -> None:
        self.addresses.append(request.url)


@pytest.fixture
def seen(page: Page) -> Iterator[Seen]:
    with Seen().watching(page) as found:
        yield found


def healthy(url: str) -> bool:
    try:
        return requests.get(url + "/_stcore/health", timeout=1).ok
    except requests.RequestException:
        return False


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
