"""An analyst with the browser alone: a sampling plan, twenty labels by keys, a policy that is saved and copied."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from controlsurface.audit.policy.litellm import read_yaml
from controlsurface.client.local_client import LocalClient
from controlsurface.config import Config, LaneConfig
from controlsurface.store.duckdb import DuckStore
from tests.browser.conftest import dashboard, new_visitor
from tests.browser.gestures import settled
from tests.browser.quality.test_review import CARD, press
from tests.seed import seed
from tests.serving import serving
from tests.ui.audits.test_threshold_simulator_lanes import Fixed

LABELS = 20
TWO_LANES = Config(lanes={"small": LaneConfig(), "large": LaneConfig(escalation=True)})


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """A collector over two days of traffic with shadow calls, without plan, label or policy."""
    store = DuckStore.in_memory()
    seed(store, n=2500, days=2, end=datetime.now(UTC))
    with serving(LocalClient(store, lanes=Fixed(TWO_LANES))) as url:
        yield url
    store.close()


@pytest.fixture(scope="module")
def own(api: str) -> Iterator[str]:
    with dashboard(api) as url:
        yield url


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A visitor who may use the clipboard."""
    context = new_visitor(chromium)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def got(api: str, path: str) -> Any:
    return requests.get(f"{api}/api/v1/{path}", timeout=30).json()


def copied(page: Page, tab: str) -> str:
    """What the copy button of a tab puts on the clipboard."""
    page.get_by_role("tab", name=tab).click()
    code = page.get_by_role("tabpanel", name=tab).get_by_test_id("stCode")
    code.hover()
    code.get_by_role("button", name="Copy to clipboard").click()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_plan_is_made_twenty_items_are_labelled_and_a_policy_is_saved_and_copied(
    page: Page, own: str, api: str
) -> None:
    page.goto(f"{own}/quality?part=Plan&range=7d")
    page.get_by_label("Author").fill("ana")
    page.get_by_role("button", name="Make this plan").click()
    expect(page.get_by_text("Plan v1 is in force. Routers")).to_be_visible()
    assert got(api, "audits/plan")["rate"] == 0.05

    page.goto(f"{own}/quality?part=Review&range=7d&reviewer=ana")
    said = Counter[str]()
    page.wait_for_selector(CARD)
    expect(page.get_by_role("button", name="Neither")).to_be_visible()
    settled(page)
    for at in range(LABELS):
        said[press(page, "1234"[at % 4])] += 1
    assert Counter(each["item_id"] for each in got(api, "audits/labels?reviewer=ana")["rows"]) == said
    assert len(said) == LABELS

    page.goto(f"{own}/what_if?range=3d&task=code&threshold=code:0.4")
    page.get_by_label("Author").fill("ana")
    page.get_by_label("Reason").fill("too dear")
    settled(page)
    policy, router = orjson.loads(copied(page, "JSON")), read_yaml(copied(page, "LiteLLM YAML"))
    page.get_by_role("button", name="Save as policy").click()
    expect(page.get_by_text("Policy v1 is saved")).to_be_visible()
    assert got(api, "policy")["policy"] == policy == {"task_types": {"code": {"threshold": 0.4}}, "default": {}}
    assert [each["model_name"] for each in router["model_list"]] == ["auto-default", "auto-code"]
