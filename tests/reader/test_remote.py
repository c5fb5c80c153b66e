"""A remote reader gives what a local one gives, errors included."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from controlsurface.config import Auth, Config
from controlsurface.errors import ControlSurfaceError, TooSlow, Unreachable
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.contributors import ContributorsArgs
from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.query import QueryArgs
from controlsurface.metrics.several import SeveralArgs
from controlsurface.metrics.values import DimensionArgs
from controlsurface.money.attribution import AttributionArgs
from controlsurface.reader import LocalReader, Reader, RemoteReader
from controlsurface.reader.advice import AdviceArgs, Advised
from controlsurface.reader.assumed import AssumedLanes
from controlsurface.reader.contributors import ContributorsQuery
from controlsurface.reader.coverage import Coverage, CoverageArgs
from controlsurface.reader.detail import Near, RequestQuery
from controlsurface.reader.events import EventsQuery
from controlsurface.reader.figures import (
    AttributionQuery,
    CatalogQuery,
    DimensionsQuery,
    DistributionQuery,
    MetricQuery,
)
from controlsurface.reader.ingest import DroppedKeysQuery, IngestQuery, UnreadKeysQuery
from controlsurface.reader.listing import RequestsArgs, RequestsQuery
from controlsurface.reader.several import Several
from controlsurface.reader.sources import SourcesQuery
from controlsurface.reader.trace import TraceQuery
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.stores import make_slow

WINDOW: dict[str, Any] = {"start": "2026-01-03T00:00:00+02:00", "end": "2026-01-07"}
FILTERED: dict[str, Any] = WINDOW | {"where": ["tenant:acme", "tenant:", "lane:large", "lane:small&x=1"]}
COMPARED: dict[str, Any] = FILTERED | {"baseline_start": "2026-01-01", "baseline_end": "2026-01-02"}

CALLS: dict[str, Callable[[Reader], Any]] = {
    "metrics": lambda r: r.ask(CatalogQuery()).metrics,
    "distribution": lambda r: (
        r.ask(DistributionQuery(DistributionArgs(column="confidence", by="lane", every="6h", **FILTERED))).rows
    ),
    "dimensions": lambda r: r.ask(DimensionsQuery(DimensionArgs(dimension="lane,tenant", limit=3, **FILTERED))).rows,
    "several": lambda r: r.ask(Several(SeveralArgs(metrics="cost,latency_p95", by="lane", **FILTERED))).rows,
    "requests": lambda r: r.ask(RequestsQuery(RequestsArgs(order="costliest", limit=7, escalated=True, **FILTERED))),
    "second page": lambda r: r.ask(
        RequestsQuery(RequestsArgs(limit=7, cursor=r.ask(RequestsQuery(RequestsArgs(limit=7))).next))
    ),
    "one request": lambda r: r.ask(RequestQuery("req-2")),
    "one request, hinted": lambda r: r.ask(RequestQuery("req-2", Near(near=RequestsArgs(**WINDOW).start))),
    "attribution": lambda r: r.ask(AttributionQuery(AttributionArgs(week="2026-W02", by="team,lane"))).rows,
    "events": lambda r: r.ask(EventsQuery(EventsArgs(start="2026-01-01", end="2026-01-09"))).rows,
    "advice": lambda r: r.ask(Advised(AdviceArgs(start="2026-01-02", end="2026-01-09"))),
    "ingest": lambda r: r.ask(IngestQuery()),
    "unrecognised": lambda r: r.ask(UnreadKeysQuery()).rows,
    "dropped": lambda r: r.ask(DroppedKeysQuery()).rows,
    "sources": lambda r: r.ask(SourcesQuery()).rows,
    "coverage": lambda r: r.ask(Coverage(CoverageArgs(start="2026-01-01", end="2026-01-09"))),
    "assumed lanes": lambda r: r.ask(AssumedLanes()),
    "health": lambda r: r.health(),
    "trace": lambda r: r.ask(TraceQuery(some_trace(r))).facts,
    "trace, hinted": lambda r: r.ask(TraceQuery(some_trace(r), Near(near=RequestsArgs(**WINDOW).start))).facts,
}
MISTAKES: dict[str, Callable[[Reader], Any]] = {
    "no such request": lambda r: r.ask(RequestQuery("no/such request?&#%")),
    "no such trace": lambda r: r.ask(TraceQuery("f" * 32)).facts,
    "no trace id": lambda r: r.ask(TraceQuery("../../etc/passwd")).facts,
    "no such dimension": lambda r: r.ask(MetricQuery(QueryArgs(metric="cost", by="lanes"))),
    "no such metric": lambda r: r.ask(MetricQuery(QueryArgs(metric="costs"))),
    "no such week": lambda r: r.ask(AttributionQuery(AttributionArgs(week="2026-W54"))).rows,
    "nothing to explain": lambda r: r.ask(ContributorsQuery(ContributorsArgs(metric="cost_share", **COMPARED))),
    "bad cursor": lambda r: r.ask(RequestsQuery(RequestsArgs(cursor="abc"))),
}


def some_trace(reader: Reader) -> str:
    return str(reader.ask(RequestsQuery(RequestsArgs(limit=1, **WINDOW))).rows["trace_id"][0])


@pytest.fixture(scope="module")
def local(store: DuckStore) -> LocalReader:
    counters = {
        "received": 9,
        "accepted": 7,
        "rejected": 2,
        "pending": 3,
        "lag_ms": 1500,
        "last_accepted_ns": 1767960000 * 10**9,
    }
    return LocalReader(store, lambda: counters, lambda: ["disk full", "journal 9 s behind"])


@pytest.fixture(scope="module")
def remote(local: LocalReader) -> Iterator[RemoteReader]:
    with serving(local) as url:
        reader = RemoteReader(url)
        yield reader
        reader.close()


@pytest.mark.parametrize("name", CALLS)
def test_both_readers_answer_the_same(name: str, local: LocalReader, remote: RemoteReader) -> None:
    assert CALLS[name](remote) == CALLS[name](local)


@pytest.mark.parametrize("metric", CATALOG)
def test_both_readers_measure_the_same(metric: str, local: LocalReader, remote: RemoteReader) -> None:
    about = {"by": "service", **WINDOW} if CATALOG[metric].source == "arrivals" else {"by": "lane,tenant", **FILTERED}
    args = QueryArgs(metric=metric, every="1d", **about)
    near, far = local.ask(MetricQuery(args)), remote.ask(MetricQuery(args))
    assert rounded(far.rows) == rounded(near.rows)
    assert {**far.facts, "elapsed_ms": 0} == {**near.facts, "elapsed_ms": 0}
    assert far.rows.schema == near.rows.schema


@pytest.mark.parametrize("metric", ["escalation_rate", "cost", "cost_per_request", "latency_p95"])
def test_both_readers_find_the_same_different(metric: str, local: LocalReader, remote: RemoteReader) -> None:
    args = ContributorsArgs(metric=metric, **COMPARED)
    near, far = local.ask(ContributorsQuery(args)), remote.ask(ContributorsQuery(args))
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
def test_both_readers_raise_the_same_error(name: str, local: LocalReader, remote: RemoteReader) -> None:
    problems = []
    for reader in (local, remote):
        with pytest.raises(ControlSurfaceError) as problem:
            MISTAKES[name](reader)
        problems.append((type(problem.value), str(problem.value)))
    assert problems[0] == problems[1]


def test_many_threads_may_ask_at_once(local: LocalReader, remote: RemoteReader) -> None:
    args = DistributionArgs(column="latency_ms", by="lane")
    with ThreadPoolExecutor(8) as threads:
        answers = [*threads.map(lambda _: remote.ask(DistributionQuery(args)).rows, range(40))]
    assert all(answer == local.ask(DistributionQuery(args)).rows for answer in answers)


def test_a_query_that_takes_too_long_is_stopped() -> None:
    store = DuckStore.in_memory()
    make_slow(store)
    with (
        serving(LocalReader(store, timeout_s=0.1)) as url,
        pytest.raises(TooSlow, match="stopped after"),
    ):
        RemoteReader(url).ask(MetricQuery(QueryArgs(metric="requests")))
    store.close()


def test_without_a_server_the_reader_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match="is the server running"):
        RemoteReader(f"http://127.0.0.1:{port}").ask(CatalogQuery())


def test_another_program_that_answers_is_not_taken_for_ours(remote: RemoteReader) -> None:
    elsewhere = RemoteReader(f"{remote._url}/api/openapi.json?")
    with pytest.raises(Unreachable, match="answered 200"):
        elsewhere.ask(DistributionQuery(DistributionArgs(column="confidence")))


def test_the_token_is_sent(local: LocalReader) -> None:
    with serving(local, Config(auth=Auth(token="s3cret"))) as url:
        assert RemoteReader(url, "s3cret").ask(CatalogQuery()).metrics == local.ask(CatalogQuery()).metrics
        with pytest.raises(Unreachable, match="401"):
            RemoteReader(url, "wrong").ask(CatalogQuery())
