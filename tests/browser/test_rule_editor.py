"""A rule is made, previewed, tested against Debian's Alertmanager, fires and is silenced, with the browser alone."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from playwright.sync_api import Page, expect

from controlsurface.store.duckdb import DuckStore
from tests.alerting.notifiers.test_debian_alertmanager import CONFIG, PROGRAM, answers
from tests.browser.conftest import dashboard, free_port
from tests.launch import FREE_PORTS, Server, running, until, until_none
from tests.seed import seed

OWN = """
[alerts]
shipped = false
[delivery]
allow_networks = ["127.0.0.0/8"]
[delivery.notifiers.oncall]
kind = "alertmanager"
url = "{url}"
"""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Alertmanager that notifies nobody."""
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.skip(f"{PROGRAM} is not installed")
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "config.yml").write_text(CONFIG.format(url="http://127.0.0.1:9/"))
    url = f"http://127.0.0.1:{free_port()}"
    flags = (f"--config.file={folder}/config.yml", f"--storage.path={folder}", "--cluster.listen-address=")
    argv = [program, *flags, f"--web.listen-address={url.removeprefix('http://')}"]
    with (folder / "log").open("w") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        until(lambda: answers(f"{url}/-/ready"))
        yield url
        process.terminate()


@pytest.fixture(scope="module")
def server(manager: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A collector over two days of traffic, without a rule."""
    folder = tmp_path_factory.mktemp("collector")
    store = DuckStore.open(folder / "data")
    seed(store, n=12_000, days=2, end=datetime.now(UTC))  # what fires goes on firing for some minutes
    store.close()
    (folder / "c.toml").write_text(OWN.format(url=manager))
    flags = ("--data", str(folder / "data"), "--config", str(folder / "c.toml"), *FREE_PORTS)
    with running(("controlsurface.collector", *flags), folder) as found:
        yield found.wait_for("api")


def alertnames(manager: str, **labels: str) -> set[str]:
    found = requests.get(f"{manager}/api/v2/alerts", timeout=10).json()
    named = (each["labels"] for each in found)
    return {each["alertname"] for each in named if all(each.get(name) == value for name, value in labels.items())}


def unheld(api: str) -> str | None:
    """What still goes out of the rule, or that no silence is listed; what fired may have ended meanwhile."""
    silences = requests.get(f"{api}/api/v1/silences", timeout=30).text
    told = requests.get(f"{api}/api/v1/alerts", timeout=30).json()["data"]["alerts"]
    mine = [each for each in told if each["labels"]["alertname"] == "TooManyEscalations" and each["state"] == "firing"]
    heard = [each for each in mine if not each["heldBy"]]
    return f"firing: {heard}; silences: {silences}" if heard or "TooManyEscalations" not in silences else None


def test_a_rule_is_made_previewed_tested_fired_and_silenced_in_the_browser(
    page: Page, server: Server, manager: str
) -> None:
    with dashboard(server.ready["api"]) as url:
        page.goto(f"{url}/alerts")
        page.get_by_role("button", name="Send test").click()
        expect(page.get_by_text("Test sent to oncall")).to_be_visible()
        assert alertnames(manager) == {"TestNotification"}

        page.get_by_label("Name", exact=True).fill("TooManyEscalations")
        page.get_by_label("Threshold in %").fill("1")
        page.get_by_label("For", exact=True).last.fill("0s")
        page.get_by_label("Minimum rows").fill("5")
        page.get_by_label("Minimum rows").press("Tab")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text(re.compile(r"^Would have fired [1-9]"))).to_be_visible()
        expect(page.get_by_text("Shaded: the rule would have fired")).to_be_visible()

        page.get_by_label("Author").last.fill("ann")
        page.get_by_label("Reason").last.fill("asked by the router team")
        page.get_by_label("Reason").last.press("Tab")
        page.get_by_role("button", name="Save rule").click()
        expect(page.get_by_text("TooManyEscalations: saved")).to_be_visible()
        until(lambda: "TooManyEscalations" in alertnames(manager, severity="page"))

        page.goto(f"{url}/alerts?silence=alertname%3D%22TooManyEscalations%22")
        page.get_by_label("Author").first.fill("ann")
        page.get_by_label("Reason").first.fill("known")
        page.get_by_role("button", name="Silence", exact=True).click()
        expect(page.get_by_text("Silenced.", exact=True)).to_be_visible()  # "Nothing is silenced." stands there before
    until_none(lambda: unheld(server.ready["api"]))
    events = requests.get(f"{server.ready['api']}/api/v1/events?start=-1h&end=now", timeout=30).json()["events"]
    assert ("TooManyEscalations: made", "ann") in [(each["title"], each["source"]) for each in events]
