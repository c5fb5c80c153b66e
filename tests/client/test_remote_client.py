"""A remote reader gives what a local one gives, errors included."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from controlsurface.client import Client, LocalClient, RemoteClient
from controlsurface.client.advice import AdviceQuery
from controlsurface.client.queries.contributor_result import ContributorsQuery
from controlsurface.client.queries.coverage_query import CoverageQuery
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.ingest_queries import DroppedKeysQuery, IngestQuery, SourcesQuery, UnreadKeysQuery
from controlsurface.client.queries.lane_queries import AssumedLanesQuery
from controlsurface.client.queries.metric_queries import (
    AttributionQuery,
    BatchQuery,
    CatalogQuery,
    DimensionsQuery,
    DistributionQuery,
    MetricQuery,
)
from controlsurface.client.queries.request_detail import Near, RequestQuery, TraceQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.config import AuthConfig, Config
from controlsurface.errors import ControlSurfaceError, TooSlow, Unreachable
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.metrics.queries.dimension_values import DimensionsArgs
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.money.cost_attribution import AttributionArgs
from controlsurface.query.arguments import WeekRange
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.stores import make_slow

WINDOW: dict[str, Any] = {"start": "2026-01-03T00:00:00+02:00", "end": "2026-01-07"}
FILTERED: dict[str, Any] = WINDOW | {"where": ["tenant:acme", "tenant:", "lane:large", "lane:small&x=1"]}
COMPARED: dict[str, Any] = FILTERED | {"baseline_start": "2026-01-01", "baseline_end": "2026-01-02"}

CALLS: dict[str, Callable[[Client], Any]] = {
    "metrics": lambda r: r.run(CatalogQuery()).metrics,
    "distribution": lambda r: (
        r.run(DistributionQuery(DistributionArgs(column="confidence", by="lane", every="6h", **FILTERED))).rows
    ),
    "dimensions": lambda r: r.run(DimensionsQuery(DimensionsArgs(dimension="lane,tenant", limit=3, **FILTERED))).rows,
    "several": lambda r: r.run(BatchQuery(BatchArgs(metrics="cost,latency_p95", by="lane", **FILTERED))).rows,
    "requests": lambda r: r.run(RequestsQuery(RequestsArgs(order="costliest", limit=7, escalated=True, **FILTERED))),
    "second page": lambda r: r.run(
        RequestsQuery(RequestsArgs(limit=7, cursor=r.run(RequestsQuery(RequestsArgs(limit=7))).next))
    ),
    "one request": lambda r: r.run(RequestQuery("req-2")),
    "one request, hinted": lambda r: r.run(RequestQuery("req-2", Near(near=RequestsArgs(**WINDOW).start))),
    "attribution": lambda r: r.run(AttributionQuery(AttributionArgs(week="2026-W02", by="team,lane"))).rows,
    "events": lambda r: r.run(EventsQuery(EventsArgs(start="2026-01-01", end="2026-01-09"))).rows,
    "advice": lambda r: r.run(AdviceQuery(WeekRange(start="2026-01-02", end="2026-01-09"))),
    "ingest": lambda r: r.run(IngestQuery()),
    "unrecognised": lambda r: r.run(UnreadKeysQuery()).rows,
    "dropped": lambda r: r.run(DroppedKeysQuery()).rows,
    "sources": lambda r: r.run(SourcesQuery()).rows,
    "coverage": lambda r: r.run(CoverageQuery(WeekRange(start="2026-01-01", end="2026-01-09"))),
    "assumed lanes": lambda r: r.run(AssumedLanesQuery()),
    "health": lambda r: r.health(),
    "trace": lambda r: r.run(TraceQuery(some_trace(r))).facts,
    "trace, hinted": lambda r: r.run(TraceQuery(some_trace(r), Near(near=RequestsArgs(**WINDOW).start))).facts,
}
MISTAKES: dict[str, Callable[[Client], Any]] = {
    "no such request": lambda r: r.run(RequestQuery("no/such request?&#%")),
    "no such trace": lambda r: r.run(TraceQuery("f" * 32)).facts,
    "no trace id": lambda r: r.run(TraceQuery("../../etc/passwd")).facts,
    "no such dimension": lambda r: r.run(MetricQuery(MetricArgs(metric="cost", by="lanes"))),
    "no such metric": lambda r: r.run(MetricQuery(MetricArgs(metric="costs"))),
    "no such week": lambda r: r.run(AttributionQuery(AttributionArgs(week="2026-W54"))).rows,
    "nothing to explain": lambda r: r.run(ContributorsQuery(ContributorsArgs(metric="cost_share", **COMPARED))),
    "bad cursor": lambda r: r.run(RequestsQuery(RequestsArgs(cursor="abc"))),
}


def some_trace(reader: Client) -> str:
    return str(reader.run(RequestsQuery(RequestsArgs(limit=1, **WINDOW))).rows["trace_id"][0])


@pytest.fixture(scope="module")
def local(store: DuckStore) -> LocalClient:
    counters = {
        "received": 9,
        "accepted": 7,
        "rejected": 2,
        "pending": 3,
        "lag_ms": 1500,
        "last_accepted_ns": 1767960000 * 10**9,
    }
    return LocalClient(store, lambda: counters, lambda: ["disk full", "journal 9 s behind"])


@pytest.fixture(scope="module")
def remote(local: LocalClient) -> Iterator[RemoteClient]:
    with serving(local) as url:
        reader = RemoteClient(url)
        yield reader
        reader.close()


@pytest.mark.parametrize("name", CALLS)
def test_both_clients_give_the_same_results(name: str, local: LocalClient, remote: RemoteClient) -> None:
    assert CALLS[name](remote) == CALLS[name](local)


@pytest.mark.parametrize("metric", CATALOG)
def test_both_clients_give_the_same_metrics(metric: str, local: LocalClient, remote: RemoteClient) -> None:
    about = {"by": "service", **WINDOW} if CATALOG[metric].source == "arrivals" else {"by": "lane,tenant", **FILTERED}
    args = MetricArgs(metric=metric, every="1d", **about)
    near, far = local.run(MetricQuery(args)), remote.run(MetricQuery(args))
    assert rounded(far.rows) == rounded(near.rows)
    assert {**far.facts, "elapsed_ms": 0} == {**near.facts, "elapsed_ms": 0}
    assert far.rows.schema == near.rows.schema


@pytest.mark.parametrize("metric", ["escalation_rate", "cost", "cost_per_request", "latency_p95"])
def test_both_clients_find_the_same_contributors(metric: str, local: LocalClient, remote: RemoteClient) -> None:
    args = ContributorsArgs(metric=metric, **COMPARED)
    near, far = local.run(ContributorsQuery(args)), remote.run(ContributorsQuery(args))
    assert far.rows.num_rows == near.rows.num_rows
    for one, other in zip(far.rows.to_pylist(), near.rows.to_pylist(), strict=True):
        for name, value in other.items():
            assert one[name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), name
    assert far.rows.schema == near.rows.schema
    assert (far.n, far.n_before, far.values, far.sql) == (near.n, near.n_before, near.values, near.sql)
    assert far.unexplained == pytest.approx(near.unexplained)
    assert (far.support, far.least_share, far.total) == (near.support, near.least_share, near.total)


def rounded(rows: Any) -> Any:
    """Sums of doubles depend on the order of threads in their last digit."""
    return [{name: round(v, 9) if isinstance(v, float) else v for name, v in row.items()} for row in rows.to_pylist()]


@pytest.mark.parametrize("name", MISTAKES)
def test_both_clients_raise_the_same_error(name: str, local: LocalClient, remote: RemoteClient) -> None:
    problems = []
    for reader in (local, remote):
        with pytest.raises(ControlSurfaceError) as problem:
            MISTAKES[name](reader)
        problems.append((type(problem.value), str(problem.value)))
    assert problems[0] == problems[1]


def test_a_remote_client_serves_many_threads_at_once(local: LocalClient, remote: RemoteClient) -> None:
    args = DistributionArgs(column="latency_ms", by="lane")
    with ThreadPoolExecutor(8) as threads:
        answers = [*threads.map(lambda _: remote.run(DistributionQuery(args)).rows, range(40))]
    assert all(answer == local.run(DistributionQuery(args)).rows for answer in answers)


def test_a_query_that_takes_too_long_is_stopped() -> None:
    store = DuckStore.in_memory()
    make_slow(store)
    with (
        serving(LocalClient(store, timeout_s=0.1)) as url,
        pytest.raises(TooSlow, match="stopped after"),
    ):
        RemoteClient(url).run(MetricQuery(MetricArgs(metric="requests")))
    store.close()


def test_a_remote_client_without_a_server_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match="is the server running"):
        RemoteClient(f"http://127.0.0.1:{port}").run(CatalogQuery())


def test_a_remote_client_does_not_take_another_program_for_the_server(remote: RemoteClient) -> None:
    elsewhere = RemoteClient(f"{remote._url}/api/openapi.json?")
    with pytest.raises(Unreachable, match="answered 200"):
        elsewhere.run(DistributionQuery(DistributionArgs(column="confidence")))


def test_the_remote_client_sends_its_token(local: LocalClient) -> None:
    with serving(local, Config(auth=AuthConfig(token="s3cret"))) as url:
        assert RemoteClient(url, "s3cret").run(CatalogQuery()).metrics == local.run(CatalogQuery()).metrics
        with pytest.raises(Unreachable, match="401"):
            RemoteClient(url, "wrong").run(CatalogQuery())
