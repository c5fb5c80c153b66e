"""What requests take in the store and what that costs: measured bytes that add up, and no cost without a price."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.incidents import ControlCostArgs, ControlCostQuery
from controlsurface.client.queries.costs.storage_query import StorageArgs, StorageQuery
from controlsurface.config import Config, RetentionConfig
from controlsurface.config.control_costs import ControlConfig
from controlsurface.money.control.storage_costs import StorageTerms, TableSize, storage_rows
from controlsurface.store.duckdb import DuckStore
from tests.ingest.loading import Loaded
from tests.ingest.spans import T0_NS, S, body, call, route
from tests.seed import NOW, seed

WEEK = {"start": NOW - timedelta(days=9), "end": NOW}
PRICED = Config(
    control=ControlConfig(storage_usd_per_gb_month=2),
    retention=RetentionConfig(spans=timedelta(days=30.4375), requests=timedelta(days=60.875)),
)
MIB = 1 << 20


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckStore]:
    """A store whose rows are in blocks of its file."""
    folder = tmp_path_factory.mktemp("store")
    store = DuckStore.open(folder, 400 * MIB, 5)
    seed(store, n=2_000, end=NOW)
    store.close()
    store = DuckStore.open(folder, 400 * MIB, 5)
    yield store
    store.close()


def stored(store: DuckStore, by: str = "", config: Config = PRICED) -> list[dict[str, Any]]:
    asked = StorageQuery(StorageArgs.model_validate({**WEEK, "by": by}))
    return as_dicts(LocalClient(store, config=config).run(asked).rows)


@pytest.mark.parametrize("by", ["", "task_type", "lane", "architecture"])
def test_stored_bytes_of_every_breakdown_are_the_blocks_of_the_tables(written: DuckStore, by: str) -> None:
    sizes = written.state("SELECT table_bytes('spans') + table_bytes('requests') + table_bytes('attempts') AS n")
    rows = stored(written, by)
    whole = sum(row["stored_bytes"] for row in rows)
    assert whole == pytest.approx(float(sizes["n"][0].as_py()), rel=0.02)  # a few calls belong to no request
    assert sum(row["storage_usd"] for row in rows) == pytest.approx(sum(row["storage_usd"] for row in stored(written)))


def test_storage_without_a_price_has_no_cost_and_one_of_zero_costs_nothing(written: DuckStore) -> None:
    (free, *_) = stored(written, config=Config(control=ControlConfig(storage_usd_per_gb_month=0)))
    (unknown, *_) = stored(written, config=Config())
    assert (free["storage_usd"], unknown["storage_usd"]) == (0, None)
    assert free["stored_bytes"] == unknown["stored_bytes"]


def test_what_is_not_written_out_yet_has_bytes_as_kept_and_no_stored_ones() -> None:
    store = DuckStore.in_memory()
    seed(store, n=50, end=NOW)
    (row, *_) = stored(store)
    store.close()
    assert row["bytes_per_request"] > 0
    assert [row[name] for name in ("stored_bytes", "storage_usd", "storage_usd_per_million")] == [None] * 3


def test_storage_is_part_of_the_cost_of_control_once_it_has_a_price(written: DuckStore) -> None:
    def control(config: Config) -> list[dict[str, Any]]:
        asked = ControlCostQuery(ControlCostArgs.model_validate({**WEEK, "by": "task_type"}))
        return as_dicts(LocalClient(written, config=config).run(asked).rows)

    priced, unpriced = ({row["name"]: row for row in control(each) if row["assigned"]} for each in (PRICED, Config()))
    alone = {row["name"]: row["storage_usd"] for row in stored(written, "task_type") if row["assigned"]}
    assert {name: row["storage_usd"] for name, row in priced.items()} == pytest.approx(alone)
    assert {row["storage_usd"] for row in unpriced.values()} == {None}
    for name, row in priced.items():
        assert row["total_usd"] == pytest.approx(unpriced[name]["total_usd"] + alone[name])


def sent(traces: list[list[str]]) -> list[S]:
    """A trace each: its units (task types), and one span that is none, as wide as the trace's number."""
    spans = []
    for trace, kinds in enumerate(traces, 1):
        spans.append(S(1, name="x" * trace, trace=trace))
        for unit, kind in enumerate(kinds, 1):
            spans += [route(10 * unit, 1, trace=trace, task_type=kind), call(10 * unit + 1, 10 * unit, trace=trace)]
    return spans


def test_spans_of_a_trace_with_several_requests_belong_to_them_in_equal_parts() -> None:
    traces = [["chat"], ["chat", "sql"], ["sql", "sql", "chat"], []]
    store = Loaded()
    store.load([("traces", body(*sent(traces)))])
    at = datetime.fromtimestamp(T0_NS / 1e9, UTC)
    args = StorageArgs(start=at - timedelta(days=1), end=at + timedelta(days=1), by="task_type")
    rows = as_dicts(LocalClient(store.store).run(StorageQuery(args)).rows)
    truth = Counter[str | None]()
    sizes = store.store.state("SELECT trace_id, octet_length(around) + octet_length(span) AS n FROM spans").to_pylist()
    for row in sizes:
        kinds = traces[UUID(row["trace_id"]).int - 1] or (None,)
        for kind in kinds:
            truth[kind] += row["n"] / len(kinds)
    assert {row["name"]: row["span_bytes"] for row in rows} == pytest.approx(dict(truth))
    assert {row["name"] for row in rows if not row["assigned"]} == {None}


FOUND = st.lists(
    st.fixed_dictionaries(
        {name: st.integers(0, 1000) for name in ("requests", "calls", "spans")} | {"span_bytes": st.integers(1, 10**6)}
    ),
    min_size=1,
    max_size=6,
)


@given(FOUND, st.integers(1, 10**6), st.integers(1, 500))
def test_stored_bytes_add_up_to_mean_rows_of_each_table(found: list[dict[str, Any]], size: int, rows: int) -> None:
    sizes = dict.fromkeys(("spans", "requests", "attempts"), TableSize(size, rows))
    terms = StorageTerms(timedelta(days=30.4375), timedelta(days=30.4375), 2)
    shared = storage_rows(found, sizes, terms)
    n = sum(row["spans"] + row["requests"] + row["calls"] for row in found)
    assert sum(row["stored_bytes"] or 0 for row in shared) == pytest.approx(n * size / rows)
    assert sum(row["storage_usd"] or 0 for row in shared) == pytest.approx(n * size / rows * 2e-9)
