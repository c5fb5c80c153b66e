"""One rule for what is too few: not shown as a share, mean or quantile, never compared, never in colour."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.client.local_client import LocalClient
from controlsurface.metrics.catalog import CATALOG
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.data.comparison import MetricValue, change_text, change_verdict, is_too_few
from tests.serving import serving
from tests.stores import put
from tests.ui.conftest import Open
from tests.ui.test_pages import html

FEW, MANY = MetricValue(0.5, 4, 0.15, 0.85), MetricValue(0.01, 5000, 0.009, 0.011)


@pytest.mark.parametrize("name", ["error_rate", "latency_p95", "cost_per_request", "cost", "requests"])
@pytest.mark.parametrize(("now", "before"), [(FEW, MANY), (MANY, FEW), (FEW, FEW)])
def test_few_rows_are_compared_with_nothing(name: str, now: MetricValue, before: MetricValue) -> None:
    assert change_text(CATALOG[name], now, before) == ""
    assert change_verdict(CATALOG[name], now, before) == ""


@pytest.mark.parametrize(("name", "hidden"), [("error_rate", True), ("latency_p95", True), ("requests", False)])
def test_a_figure_of_few_rows_is_hidden_unless_it_is_a_count(name: str, hidden: bool) -> None:
    assert is_too_few(CATALOG[name], 29) == hidden
    assert not is_too_few(CATALOG[name], 30)


@pytest.fixture
def url() -> Iterator[str]:
    """Four requests of now of which two failed, and as many of the week before of which none did."""
    store = DuckStore.in_memory()
    now = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    rows = [(now, i < 2) for i in range(4)] + [(now - timedelta(days=7), False)] * 4
    put(store, [{"started_at": at, "failed": failed, "task_type": "chat", "duration_ms": 5.0} for at, failed in rows])
    with serving(LocalClient(store)) as address:
        yield address
    store.close()


@pytest.mark.parametrize("page", ["overview.py", "compare.py", "triage.py"])
def test_no_page_compares_or_colours_four_requests(opened: Open, url: str, page: str) -> None:
    shown = html(opened(url, page))
    assert "pp" not in shown.split()
    assert 'class="worse"' not in shown
    assert 'class="better"' not in shown
    assert "0.0 pp" not in shown
