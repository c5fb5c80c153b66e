"""Requests that a metric counts: its numerator's, by their own rows or by those of their calls.

A point of a chart led to traces that it does not count (SigNoz/signoz 9723).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.errors import BadRequest, UnknownName
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW
from tests.stores import put

HOUR = timedelta(hours=1)
AT = (NOW - HOUR / 2).replace(tzinfo=None)


@pytest.fixture(scope="module")
def client() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    about = {"started_at": AT, "lane": "small"}
    put(
        store,
        [
            {**about, "request_id": "calm", "escalated": False, "duration_ms": 10.0},
            {**about, "request_id": "up", "escalated": True, "lane": "large", "duration_ms": 900.0},
            {**about, "request_id": "down", "failed": True, "escalated": False, "duration_ms": 50.0},
        ],
    )
    put(
        store,
        [
            {"started_at": AT, "request_id": "calm", "model": "a", "failed": True},
            {"started_at": AT, "request_id": "up", "model": "b", "failed": True},
            {"started_at": AT, "request_id": "down", "model": "a", "failed": False},
        ],
        table="attempts",
    )
    yield LocalClient(store)
    store.close()


def counted(client: LocalClient, metric: str, **more: Any) -> set[str]:
    args = RequestsArgs(start=NOW - HOUR, end=NOW, counted=metric, **more)
    return set(map(str, client.run(RequestsQuery(args)).rows["request_id"].to_pylist()))


@pytest.mark.parametrize(
    ("metric", "more", "names"),
    [
        ("escalation_rate", {}, {"up"}),
        ("error_rate", {}, {"down"}),
        ("requests", {}, {"calm", "up", "down"}),
        ("latency_mean", {}, {"calm", "up", "down"}),
        ("latency_p95", {"counted_above": 40.0}, {"up", "down"}),
        ("latency_p95", {}, {"calm", "up", "down"}),
        ("attempt_error_rate", {}, {"calm", "up"}),
        ("attempt_error_rate", {"counted_where": ("model:a",)}, {"calm"}),
        ("escalation_rate", {"counted_where": ("lane:small",)}, set()),
    ],
)
def test_listed_requests_are_those_of_the_numerator(
    client: LocalClient, metric: str, more: dict[str, Any], names: set[str]
) -> None:
    assert counted(client, metric, **more) == names


@pytest.mark.parametrize(("metric", "problem"), [("nothing", UnknownName), ("disagreement_rates", UnknownName)])
def test_an_unknown_metric_counts_nothing(client: LocalClient, metric: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        counted(client, metric)


def test_a_filter_that_the_metrics_rows_lack_is_refused(client: LocalClient) -> None:
    with pytest.raises((UnknownName, BadRequest)):
        counted(client, "escalation_rate", counted_where=("model:a",))
