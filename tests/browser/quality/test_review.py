"""A reviewer at the keyboard, and a collector that is killed under her: nothing is lost, nothing is kept twice."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, TimeoutError  # noqa: A004 -- its own name

from controlsurface.audit.answer_review import label_exchange
from controlsurface.audit.answer_review.review_labels import choice_of_verdict
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests import launch
from tests.browser.conftest import dashboard, free_port

ITEMS = 80  # of which each test labels half
KEYS = {"1": "left", "2": "right", "3": "both", "4": "neither"}
CARD = ".cs-desk[data-item]"
_PAIRS = f"""
INSERT INTO requests BY NAME
SELECT
    'r-' || i AS request_id, uuid() AS trace_id, i AS span_id, now()::TIMESTAMP - to_minutes(i) AS started_at,
    'chat' AS task_type, 'small' AS lane, 1 AS attempts, 0 AS failed_attempts, 2 AS steps, 0 AS retries,
    false AS fell_back, false AS failed, true AS priced, 1.0 AS sample_weight
FROM range({ITEMS}) AS r(i);
INSERT INTO attempts BY NAME
SELECT
    request_id || '-' || purpose AS attempt_id, CASE purpose WHEN 'user' THEN request_id END AS request_id, trace_id,
    span_id * 2 + (purpose = 'user')::INT AS span_id, started_at, purpose, false AS failed, true AS billable,
    CASE purpose WHEN 'user' THEN 'small' ELSE 'large' END AS lane, 'yes' AS answer_label,
    CASE purpose WHEN 'shadow' THEN request_id END AS shadow_of, task_type, 1.0 AS sample_weight
FROM requests, (VALUES ('user'), ('shadow')) AS p(purpose)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collector's folder with ITEMS pairs of answers in its store; both tests go through one queue."""
    path = tmp_path_factory.mktemp("review")
    store = DuckStore.open(path / "data")
    with store.writing() as writing:
        for statement in _PAIRS.split(";"):
            writing.execute(statement)
    store.close()
    return path


def press(page: Page, key: str) -> str:
    """Press a key and wait for the next card; the item it was about."""
    item = shown(page)
    other = f"item => document.querySelector('{CARD}')?.dataset.item !== item"
    page.keyboard.press(key)
    try:
        page.wait_for_function(other, arg=item, timeout=20_000)
    except TimeoutError:  # a busy browser had not bound the key yet: a reader presses it again
        page.keyboard.press(key)
        page.wait_for_function(other, arg=item)
    return item


def shown(page: Page) -> str:
    return str(page.locator(CARD).get_attribute("data-item"))


def labels(folder: Path) -> list[dict[str, Any]]:
    reader = LocalClient(DuckStore.open(folder / "data"))
    rows = reader.run(label_exchange.LabelsQuery(label_exchange.LabelsArgs(reviewer="ana"))).rows.to_pylist()
    reader.close()
    return list(rows)


class Restarted:
    """A collector that is killed and started again at its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flags = ("--data", str(folder / "data"), "--api-port", str(free_port()))
        self.start()

    def start(self) -> None:
        self.server = launch.Server(self.flags, self.folder, forked=True).wait_for("api", "otlp_http")

    def kill(self) -> None:
        self.server.stop(signal.SIGKILL)


def settled(page: Page, mark: str = CARD) -> None:
    page.wait_for_selector(f'[data-testid="stApp"][data-test-script-state="notRunning"] {mark}')


def killed(page: Page, collector: Restarted, key: str, *, first: bool) -> str:
    """A key with the collector killed just before it (`first`) or while its label is on the way; the item."""
    item = shown(page)
    if first:
        collector.kill()
    page.keyboard.press(key)
    if not first:
        collector.kill()
    collector.start()
    page.wait_for_function(
        f"item => ![undefined, item].includes(document.querySelector('{CARD}')?.dataset.item)", arg=item
    )
    settled(page)
    return item


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["dead before the key", "dead under way"])
def test_of_forty_labels_none_is_lost_or_doubled_though_the_collector_is_killed(
    page: Page, folder: Path, first: bool
) -> None:
    before, meant, collector = labels(folder), dict[str, str](), Restarted(folder)
    try:
        with dashboard(collector.server.ready["api"]) as url:
            page.goto(f"{url}/quality?part=Review&reviewer=ana&range=24h")
            settled(page)
            for at in range(ITEMS // 2):
                key = "1234"[at % 4]
                item = killed(page, collector, key, first=first) if at == ITEMS // 4 else press(page, key)
                meant[item] = KEYS[key]
            settled(page, CARD if not before else ".cs-state")
    finally:
        collector.kill()
    kept = labels(folder)[len(before) :]
    assert Counter(each["item_id"] for each in kept) == dict.fromkeys(meant, 1)
    assert len(kept) == ITEMS // 2
    assert {each["item_id"]: choice_of_verdict(each["verdict"], each["shown_left"]) for each in kept} == meant
    assert not {*meant} & {each["item_id"] for each in before}
