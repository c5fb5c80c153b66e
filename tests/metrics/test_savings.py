"""Savings are those that one works out by hand, and add up."""

from collections.abc import Iterator
from math import isclose
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

SMALL: dict[str, Any] = {"lane": "small", "escalated": False, "attempts": 1}
LARGE: dict[str, Any] = {"lane": "large", "escalated": True, "attempts": 1}
REQUESTS = [
    SMALL | {"input_tokens": 100, "cost_usd": 0.10},
    SMALL | {"input_tokens": 300, "cost_usd": 0.30},
    LARGE | {"input_tokens": 200, "cost_usd": 4.00, "overhead_usd": 0.05},
    LARGE | {"input_tokens": 400, "cost_usd": 4.20, "attempts": 2, "own_large_usd": 4.00, "own_small_usd": 0.20},
    SMALL | {"input_tokens": 50, "cost_usd": None, "priced": False},
    {"lane": "cache", "escalated": False, "attempts": 0, "input_tokens": 0, "cost_usd": 0, "cache": "exact"},
]


@pytest.fixture(scope="module")
def six() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    put(store, REQUESTS)
    yield LocalClient(store)
    store.close()


def only(reader: LocalClient, metric: str, **more: Any) -> dict[str, Any]:
    (row,) = reader.run(MetricQuery(MetricArgs(metric=metric, **more))).rows.to_pylist()
    return dict(row)


@pytest.mark.parametrize(
    ("metric", "baseline"),
    [
        ("saving_vs_all_large", 800 * 4.00 / 200),
        ("saving_vs_all_small", 800 * 0.40 / 400),
        ("saving_vs_random", 800 * (0.5 * 4.00 / 200 + 0.5 * 0.40 / 400)),  # two of four are escalated
    ],
)
def test_a_saving_is_what_the_baseline_would_cost_more(six: LocalClient, metric: str, baseline: float) -> None:
    row = only(six, metric)
    assert row["value"] == pytest.approx(baseline - (0.10 + 0.30 + 4.05 + 4.20))
    assert (row["n"], row["priced_share"]) == (4, 0.8)


def test_the_share_saved_is_the_saving_over_the_baseline(six: LocalClient) -> None:
    assert only(six, "saving_share_vs_all_large")["value"] == pytest.approx(7.35 / 16)


def test_a_saving_is_unknown_without_a_lone_call_of_the_large_lane(six: LocalClient) -> None:
    assert only(six, "saving_vs_all_large", where=["lane:small"])["value"] is None


def test_a_router_that_escalates_everything_saves_nothing() -> None:
    store = DuckStore.in_memory()
    put(store, [LARGE | {"input_tokens": tokens, "cost_usd": tokens / 3} for tokens in (90, 300, 27)])
    assert only(LocalClient(store), "saving_vs_all_large")["value"] == pytest.approx(0)
    store.close()


@pytest.mark.parametrize("metric", ["saving_vs_all_large", "saving_vs_all_small", "saving_vs_random"])
def test_savings_add_up_over_any_breakdown(reader: LocalClient, metric: str) -> None:
    total = only(reader, metric)
    for by in (["lane"], ["task_type", "tenant"], ["router_version", "answered_by", "team"]):
        rows = reader.run(MetricQuery(MetricArgs(metric=metric, by=by))).rows.to_pylist()
        assert isclose(sum(row["value"] or 0 for row in rows), total["value"], rel_tol=1e-9)
        assert sum(row["n"] for row in rows) == total["n"]
