"""One switch says in which zone a page writes its times, and everything on the page goes by it.

A table in UTC beside charts in local time (langfuse/langfuse 16024); no way to UTC at all (Arize-ai/phoenix 9600); a
zone that an address could not name (grafana/grafana 51407), and that links between pages lost (112544); an offset
that the library of the tables did not know (streamlit/streamlit 4153).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Collector, Seen, new_visitor
from tests.browser.gestures import TABLE, draw, ready, settled
from tests.browser.test_hover import hovered

ZONE, OFFSET, LABEL = "Asia/Kolkata", timezone(timedelta(hours=5.5)), "UTC+05:30"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A visitor in India."""
    context = new_visitor(chromium, ZONE)
    yield context.new_page()
    context.close()


def minute(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def test_table_chart_fields_and_links_go_by_the_zone_that_is_chosen(
    page: Page, url: str, collector: Collector, seen: Seen
) -> None:
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    edges = {"from": minute(end - timedelta(days=2)), "to": minute(end)}
    asked: dict[str, str | int] = {"start": f"{edges['from']}:00Z", "end": f"{edges['to']}:00Z", "limit": 1}
    latest = requests.get(f"{collector.url}/api/v1/requests", asked, timeout=30).json()["rows"][0]
    ready(page, f"{url}/traces?range=custom&from={edges['from']}&to={edges['to']}", TABLE)
    page.get_by_text("Local", exact=True).click()
    page.wait_for_url(re.compile("tz=Local"))
    expect(page.locator(f"{TABLE} th").first).to_have_text(f"Time ({LABEL})")
    at = datetime.fromisoformat(latest["started_at"]).astimezone(OFFSET)
    expect(page.locator(f"{TABLE} td").first).to_have_text(f"{at:%Y-%m-%d %H:%M:%S}+05:30")
    field = page.get_by_role("group", name=f"To ({LABEL})").get_by_role("spinbutton")
    expect(field).to_have_text([*f"{end.astimezone(OFFSET):%Y %m %d %H %M}".split()])
    settled(page)
    page.get_by_role("link", name="Routing").click()
    page.wait_for_url(re.compile("routing.*tz=Local"))
    page.locator(".cs-title").first.wait_for()
    settled(page)
    assert re.fullmatch(rf"\w{{3}} \d+ \d\d:\d\d {re.escape(LABEL)}", hovered(page, 0)[0])
    draw(page, 0)
    page.wait_for_url(re.compile("zoom="))
    start, _, until = parse_qs(urlsplit(page.url).query)["zoom"][0].partition("/")
    assert edges["from"] <= start < until <= edges["to"]
    assert not seen.complaints
