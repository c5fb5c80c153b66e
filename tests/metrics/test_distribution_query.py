"""Bins hold every known value once, and their edges are where they say."""

from math import isclose
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import DistributionQuery
from controlsurface.errors import BadRequest
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.rollups.rollup_catalog import BIN_RATIO
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

COLUMNS = {
    "latency_ms": "duration_ms",
    "ttft_ms": "ttft_ms",
    "cost_usd": "cost_usd",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
}


def bins(reader: LocalClient, column: str, **more: Any) -> list[dict[str, Any]]:
    return reader.run(DistributionQuery(DistributionArgs(column=column, **more))).rows.to_pylist()


@pytest.mark.parametrize(("column", "stored"), COLUMNS.items())
def test_every_known_value_is_in_the_bin_that_holds_it(
    column: str, stored: str, store: DuckStore, reader: LocalClient
) -> None:
    found = bins(reader, column)
    sql = f"SELECT CAST({stored} AS DOUBLE) AS value FROM requests WHERE {stored} IS NOT NULL"
    values = [row["value"] for row in store.state(sql).to_pylist()]
    for each in found:
        low, high = each["lower"] * (1 - 1e-9), each["upper"] * (1 + 1e-9)
        assert each["n"] <= sum(low <= value <= high for value in values)
    assert sum(each["n"] for each in found) == len(values)


def test_exponential_bins_grow_by_five_percent(reader: LocalClient) -> None:
    found = [each for each in bins(reader, "cost_usd") if each["lower"] > 0]
    assert all(isclose(each["upper"], each["lower"] * BIN_RATIO) for each in found)


def test_zero_has_a_bin_of_its_own(reader: LocalClient, store: DuckStore) -> None:
    free = store.state("SELECT count(*) AS n FROM requests WHERE cost_usd = 0")["n"][0].as_py()
    assert bins(reader, "cost_usd")[0] == {"lower": 0, "upper": 0, "n": free}


def test_confidence_bins_are_a_hundredth_wide_and_closed_at_one() -> None:
    store = DuckStore.in_memory()
    put(store, [{"confidence": value} for value in (0.0, 0.29, 0.299, 0.57, 0.99, 1.0)])
    found = [(each["lower"], each["upper"], each["n"]) for each in bins(LocalClient(store), "confidence")]
    assert found == [(0, 0.01, 1), (0.29, 0.3, 2), (0.57, 0.58, 1), (0.99, 1, 2)]
    store.close()


def test_confidence_bins_hold_only_probabilities_unless_a_kind_is_given(reader: LocalClient) -> None:
    probability = sum(each["n"] for each in bins(reader, "confidence"))
    cosine = sum(each["n"] for each in bins(reader, "confidence", where=["confidence_kind:cosine"]))
    by_kind = bins(reader, "confidence", by="confidence_kind")
    assert cosine > 0
    assert sum(each["n"] for each in by_kind) == probability + cosine


def test_buckets_and_dimensions_share_the_bins_out(reader: LocalClient) -> None:
    rows = bins(reader, "latency_ms", by="lane", every="1d")
    assert [*rows[0]] == ["bucket", "lane", "lower", "upper", "n"]
    timed = sum(each["n"] for each in bins(reader, "latency_ms", start="1970-01-01"))
    assert sum(each["n"] for each in rows) == timed


def test_bin_counts_are_weighted(sampled: LocalClient) -> None:
    assert sum(each["n"] for each in bins(sampled, "latency_ms")) > 3 * 1_000


def test_a_column_without_bins_is_refused() -> None:
    with pytest.raises(BadRequest, match="column: "):
        DistributionArgs(column="password")
