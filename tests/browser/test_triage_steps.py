"""From an alert to its cause, the change, three traces and a silence, counted in clicks.

From an alert to its window is what readers of Grafana ask for (grafana/grafana 7036); a dot there did not lead to its
trace (grafana/grafana 66328).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from controlsurface.demo.demo_company import INCIDENT_TASK, INCIDENT_TENANTS, NEXT_VERSION
from controlsurface.store.duckdb import DuckStore
from tests.browser.conftest import Collector, dashboard
from tests.browser.gestures import settled
from tests.browser.planted_alerts import plant_alerts

MAX_STEPS = 4
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # shares move by the hour


@pytest.fixture(scope="module")
def planted() -> Iterator[DuckStore]:
    found = plant_alerts(NOW)
    yield found
    found.close()


@pytest.fixture(scope="module")
def planted_url(planted: DuckStore) -> Iterator[str]:
    collector = Collector(planted)
    with dashboard(collector.url) as url:
        yield url
    collector.finish()


class StepCounter:
    """Presses what a reader would press, and counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.steps = page, 0

    def press(self, target: Locator) -> None:
        target.click()
        self.steps += 1
        settled(self.page)


def walk(page: Page, url: str, alert: str) -> tuple[StepCounter, str, list[str]]:
    """Follow an alert: what the page concludes, and the three traces that were read."""
    page.goto(f"{url}/alerts")
    counter = StepCounter(page)
    counter.press(page.locator("tr", has_text=alert).get_by_role("link", name="Inspect").first)
    page.wait_for_selector(".cs-headline")
    traces = []
    for number in range(3):
        if number:
            counter.press(
                page.get_by_test_id("stMain").get_by_role("radio").filter(has_text=re.compile(f"^{number + 1} "))
            )
        expect(page.locator(".cs-fall").first).to_be_visible()
        traces.append(page.locator(".cs-why").first.inner_text())
    return counter, page.locator(".cs-conclusion").inner_text(), traces


def acknowledge(counter: StepCounter, planted: DuckStore, rule: str) -> None:
    counter.press(counter.page.get_by_role("button", name="Acknowledge"))
    expect(counter.page.get_by_text(re.compile("Acknowledged by .+ until"))).to_be_visible()
    found = planted.state("FROM silences").to_pylist()
    (silence,) = (each for each in found if {"alertname", rule} <= {*each["matchers"][0].values()})
    assert silence["created_by"]
    assert silence["comment"]
    assert silence["ends_at"] > silence["starts_at"]


def test_a_threshold_alert_of_an_incident_leads_to_its_cause_and_a_silence_in_four_clicks(
    page: Page, planted_url: str, planted: DuckStore
) -> None:
    counter, said, traces = walk(page, planted_url, "EscalationRateHigh")
    acknowledge(counter, planted, "EscalationRateHigh")
    assert counter.steps <= MAX_STEPS
    headline = said.split("\n")[0]
    assert headline.startswith(f"{INCIDENT_TASK}: escalation rate")
    assert f"since {NEXT_VERSION}" in headline
    assert all(tenant in headline for tenant in INCIDENT_TENANTS)
    assert "roll it back" in said
    assert len(traces) == 3
    assert all("large lane" in each for each in traces)
    page.locator(".annotation-text-g a rect").first.click()
    page.wait_for_url(re.compile(r"traces\?.*request="))
    expect(page.locator(".cs-why").first).to_contain_text("large lane")


def test_a_drift_alert_of_an_upgrade_leads_to_its_version_and_a_silence_in_four_clicks(
    page: Page, planted_url: str, planted: DuckStore
) -> None:
    counter, said, traces = walk(page, planted_url, "KnifeEdgeDrift")
    acknowledge(counter, planted, "KnifeEdgeDrift")
    assert counter.steps <= MAX_STEPS
    assert NEXT_VERSION in said
    assert len(traces) == 3
    assert "nothing to undo" in said
