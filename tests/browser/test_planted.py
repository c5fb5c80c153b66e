"""Names that say Markdown, LaTeX, HTML and colours, in every column that a sender fills, on every page in a browser."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.store.duckdb import DuckStore
from tests.browser.conftest import Collector, Seen, dashboard
from tests.browser.gestures import settled
from tests.seed import seed

PLANTED = "![x](http://evil.example/x.png) $x^2$ [a](http://b.example) :red[r] <img src=http://evil.example/y> **bold**"
COLUMNS = """
SELECT table_name AS t, column_name AS c FROM information_schema.columns
WHERE data_type = 'VARCHAR' AND table_name IN ('requests', 'attempts', 'events')
    AND column_name NOT IN ('request_id', 'attempt_id', 'lane', 'kind') AND NOT starts_with(column_name, 'escalation_')
"""
PAGES = sorted(path.stem for path in DASHBOARDS.glob("*.py") if path.stem != "app")
MARKUP = 'img[src*="evil"], .katex, a[href^="http://b.example"], a[href^="http://evil"], .stMarkdownColoredText'


@pytest.fixture(scope="module")
def planted() -> Iterator[str]:
    """A dashboard in front of a store whose names were all sent by somebody with ideas."""
    store = DuckStore.in_memory()
    seed(store, n=1500, days=3, end=datetime.now(UTC))
    for each in store.state(COLUMNS).to_pylist():
        with suppress(Exception), store.writing() as writing:  # a column of a closed set takes none of it
            writing.execute(f"UPDATE {each['t']} SET {each['c']} = $it || ' ' || {each['c']}", {"it": PLANTED})
    names = store.state("SELECT count(DISTINCT task_type) AS n, min(answered_by) AS one FROM requests").to_pylist()[0]
    assert names["one"].startswith(PLANTED)
    collector = Collector(store)
    with dashboard(collector.url) as url:
        yield url
    collector.finish()
    store.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_renders_no_markup_that_a_sender_wrote(page: Page, seen: Seen, planted: str, name: str) -> None:
    page.goto(f"{planted}/{'' if name == 'overview' else name}?range=7d")
    page.wait_for_selector("[data-testid=stMain] :is(h2, h3):visible, .cs-tile, .cs-state")
    settled(page)
    for chart in page.locator(".nsewdrag").all()[:6]:
        chart.hover(force=True)
    assert page.locator(MARKUP).count() == 0
    assert page.locator("strong", has_text="bold").count() == 0
    assert [each for each in seen.addresses if "example" in each.partition("?")[0]] == []
