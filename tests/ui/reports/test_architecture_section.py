"""Two architectures on Compare, with their curves of cost; operational entropy and storage on the tab Control."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from controlsurface.client import LocalClient
from controlsurface.config import Config
from controlsurface.config.architectures import ArchitectureConfig
from controlsurface.config.control_costs import ControlConfig
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open

ARCHITECTURES = {
    "agents": ArchitectureConfig(where=("tenant:a",)),
    "hybrid": ArchitectureConfig(where=("tenant:b",), monthly_usd=50),
}
# Every call has a price, and the two are sent alike requests at different costs.
LABELS = """
UPDATE requests SET architecture = CASE WHEN hash(request_id) % 2 = 0 THEN 'agents' ELSE 'hybrid' END;
UPDATE requests SET cost_usd = 0.02, priced = TRUE WHERE architecture = 'agents';
UPDATE requests SET cost_usd = 0.01, priced = TRUE WHERE architecture = 'hybrid';
UPDATE attempts SET architecture = r.architecture FROM requests AS r WHERE r.request_id = attempts.request_id;
UPDATE attempts SET billable = FALSE WHERE cost_usd IS NULL OR unpriced_parts IS NOT NULL;
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    store = DuckStore.in_memory()
    seed(store, n=1_500, end=datetime.now(UTC))
    with store.writing() as writing:
        for statement in LABELS.strip().split(";\n"):
            writing.execute(statement)
    config = Config(architectures=ARCHITECTURES, control=ControlConfig(storage_usd_per_gb_month=1))
    client = LocalClient(store, config=config)
    with serving(client, config) as address:
        yield address
    store.close()


def test_two_architectures_are_compared_with_the_volume_where_they_cost_the_same(opened: Open, url: str) -> None:
    page = opened(url, "compare.py", range="7d", way="architectures", one="agents", other="hybrid")
    assert not page.exception
    (said,) = (each.value for each in page.markdown if "requests a month" in each.value)
    assert said.startswith("agents costs less up to ")
    assert "hybrid from there on" in said
    (whole,) = (each.proto.body for each in page.get("html") if "All costs per 1,000 requests" in each.proto.body)
    assert "A: agents" in whole
    assert any("monthly_usd" in each.value for each in page.caption)
    assert len(page.get("plotly_chart")) == 1


def test_the_tab_control_has_operational_entropy_and_the_cost_of_storage(opened: Open, url: str) -> None:
    page = opened(url, "cost.py", range="7d", part="Control")
    assert not page.exception
    tables = [each.value for each in page.dataframe]
    assert any("storage_usd" in each.columns for each in tables)
    (entropy,) = (each for each in tables if "entropy_bits" in each.columns)
    assert (entropy["paths"] > 1).all()
    assert entropy["top_share"].between(10, 100).all()  # percent
