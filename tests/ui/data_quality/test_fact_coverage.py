"""The Data page says what spans fill, and pages without a fact say how to send it, in the same words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.span_facts import FACTS, FACTS_BY_NAME
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.stores import put
from tests.ui.conftest import Open


@pytest.fixture
def bare_url() -> Iterator[str]:
    """A collector whose router says nothing, and whose streams carry no token counts."""
    store = DuckStore.in_memory()
    now = datetime.now(UTC) - timedelta(minutes=5)
    put(store, [{"started_at": now, "request_id": f"r{i}"} for i in range(60)])
    put(store, [{"started_at": now, "model": "gpt-5-mini", "streamed": True} for _ in range(60)], "attempts")
    with serving(LocalClient(store)) as url:
        yield url
    store.close()


def test_the_data_page_lists_every_fact_with_its_share_and_the_line_to_add(opened: Open, bare_url: str) -> None:
    app = opened(bare_url, "data.py")
    assert not app.exception
    (table,) = (each.value for each in app.dataframe if "all services" in each.value.columns)
    rows = {row["fact"]: row for row in table.to_dict("records")}
    assert [*rows] == [each.title for each in FACTS]
    assert (rows["Task type"]["all services"], rows["Task type"]["now"]) == ("0.0 % of 60", "empty")
    assert rows["Lane"]["all services"] == "100.0 % of 60"
    assert "controlsurface.task_type" in rows["Task type"]["add"]
    assert rows["Lane"]["add"] == ""  # nothing is missing
    more = len(FACTS_BY_NAME["task_type"].rules) - 1
    assert rows["Task type"]["rules"] == f"EscalationRateHigh +{more}"  # a list of them would be cut


@pytest.mark.parametrize("page", ["data.py", "overview.py"])
def test_streams_without_usage_are_not_said_to_lack_a_price(opened: Open, bare_url: str, page: str) -> None:
    captions = " ".join(each.value for each in opened(bare_url, page).caption)
    assert "60 streamed calls came without usage: set `stream_options.include_usage`" in captions


def test_a_page_without_confidences_says_what_to_send(opened: Open, bare_url: str) -> None:
    shown = " ".join(each.proto.body for each in opened(bare_url).get("html"))
    assert "No confidence in this window" in shown
    assert FACTS_BY_NAME["confidence"].add.replace("`", "") in shown
