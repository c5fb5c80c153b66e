"""A GET changes nothing: what a link, a prefetch or a picture on another page can send."""

import re
from collections.abc import Iterator
from contextlib import suppress
from unittest.mock import DEFAULT, Mock

import duckdb
import pytest
import requests

from controlsurface.api.registry import QUERIES
from controlsurface.audit.sampling_plan import CreatePlanCommand, SamplingPlanArgs
from controlsurface.client import LocalClient
from controlsurface.client.query_protocol import arguments_of
from controlsurface.metrics.rollups.rollup_catalog import ROLLUPS
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed
from tests.serving import serving

GIVEN = "metric=requests&column=latency_ms&dimension=lane&reviewer=ana&metrics=requests&week=2026-W01"
TABLES = "SELECT table_name AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
DATA = {"spans", "requests", "attempts", "evaluations", "compared", "rolled", *ROLLUPS}
QUEUE = {"audit_items"}  # filled from what is stored, whoever asks; it holds nothing of the request


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    seed(made, n=500, end=NOW)
    LocalClient(made).execute(CreatePlanCommand(SamplingPlanArgs(rate=1.0)))
    yield made
    made.close()


def tables(sql: str) -> set[str]:
    """The tables that a query names."""
    with duckdb.connect(":memory:") as parser:
        return parser.get_table_names(sql)


def counts(store: DuckStore) -> dict[str, int]:
    names = [row["name"] for row in store.state(TABLES).to_pylist() if row["name"] not in QUEUE]
    return {name: store.state(f'SELECT count(*) AS n FROM "{name}"').to_pylist()[0]["n"] for name in names}


def test_a_get_request_writes_no_row(store: DuckStore) -> None:
    before = counts(store)
    assert len(before) > 30
    answered = 0
    with serving(LocalClient(store)) as url:
        for each in QUERIES:
            known = [pair for pair in GIVEN.split("&") if pair.partition("=")[0] in arguments_of(each).model_fields]
            with suppress(requests.Timeout):
                address = f"{url}{re.sub(r'{[^}]+}', 'r-1', each.endpoint.path)}?{'&'.join(known)}"
                answered += requests.get(address, timeout=20).status_code == 200
    assert answered > 25
    assert counts(store) == before


def test_state_queries_read_no_data_table(store: DuckStore, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()

    def note(sql: str, *_: object) -> object:
        read.update(tables(sql))
        return DEFAULT

    monkeypatch.setattr(store, "state", Mock(wraps=store.state, side_effect=note))
    with serving(LocalClient(store)) as url:
        for each in QUERIES:
            known = [pair for pair in GIVEN.split("&") if pair.partition("=")[0] in arguments_of(each).model_fields]
            with suppress(requests.Timeout):
                requests.get(f"{url}{re.sub(r'{[^}]+}', 'r-1', each.endpoint.path)}?{'&'.join(known)}", timeout=20)
    assert "alert_rules" in read
    assert not read & DATA


def test_a_sampling_decision_is_the_same_by_get_and_post_and_only_post_logs_it(store: DuckStore) -> None:
    with serving(LocalClient(store)) as url:
        asked = requests.get(f"{url}/api/v1/sampling/r-9?task_type=chat&confidence=0.4", timeout=20).json()
        noted = requests.post(f"{url}/api/v1/sampling/r-9", json={"task_type": "chat", "confidence": 0.4}, timeout=20)
    kept = store.state("SELECT request_id FROM sampled_requests").to_pylist()
    assert asked["sample"]
    assert noted.json() == asked
    assert kept == [{"request_id": "r-9"}]
