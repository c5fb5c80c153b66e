"""An answer has a budget: of time, of bytes, of memory, and of somebody who waits for it."""

import re
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
import requests

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import BatchQuery
from controlsurface.config import Config
from controlsurface.config.query_limits import MIB, LimitsConfig
from controlsurface.errors import Abandoned, TooMuch, TooSlow
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.query_budget import QueryBudget, spend_budget
from tests.limits.wide import fill
from tests.seed import NOW
from tests.serving import serving
from tests.stores import make_slow, store

__all__ = ["store"]

ENDLESS = "SELECT count(*) FROM range(100_000_000_000) AS a(i) WHERE hash(i) % 7 = 3"


def limited(**limits: object) -> Config:
    return Config.model_validate({"limits": limits})


@pytest.fixture
def slow() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    make_slow(made)
    yield made
    made.close()


def abandon(url: str, path: str) -> None:
    """Ask, and hang up."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.05)


# ClickHouse, InfluxDB and TypeDB went on with queries whose caller had gone (ClickHouse issue 1403, influxdb issue 675,
# typedb issue 7957).
def test_queries_of_callers_who_have_gone_are_stopped(slow: DuckStore) -> None:
    with serving(LocalClient(slow)) as url:
        for _ in range(20):  # more than there are threads for queries
            abandon(url, "/api/v1/query?metric=requests")
        began = time.monotonic()
        assert requests.get(f"{url}/api/v1/lanes", timeout=20).ok
        assert time.monotonic() - began < 5


def test_a_cancelled_budget_stops_the_statement_under_way() -> None:
    store, raised = DuckStore.in_memory(), []

    def ask(budget: QueryBudget) -> None:
        with spend_budget(budget), pytest.raises(Abandoned) as problem:
            store.state(ENDLESS)
        raised.append(problem)

    budget = QueryBudget(60)
    thread = Thread(target=ask, args=(budget,))
    thread.start()
    time.sleep(0.2)
    budget.cancel()
    thread.join(5)
    assert len(raised) == 1
    store.close()


def test_statements_side_by_side_are_on_the_same_budget(slow: DuckStore) -> None:
    asked = BatchQuery(BatchArgs(metrics=("requests", "latency_p50", "ttft_p95")))
    began = time.monotonic()
    with spend_budget(QueryBudget(0.3)), pytest.raises(TooSlow, match=r"stopped after 0\.3 s"):
        LocalClient(slow).run(asked)
    assert time.monotonic() - began < 5


def test_statements_of_one_answer_have_the_configured_time_together(slow: DuckStore) -> None:
    with serving(LocalClient(slow), limited(query_time="500ms")) as url:
        began = time.monotonic()
        answer = requests.get(f"{url}/api/v1/queries?metrics=requests,latency_p50,ttft_p95", timeout=20)
    named = r"stopped after 0\.5 s, in [a-z]+\.[a-z]+ \([a-z ]+\); narrow the query's time range"
    assert (answer.status_code, bool(re.fullmatch(named, answer.json()["detail"]))) == (504, True)
    assert time.monotonic() - began < 5


# An answer that stops at a limit looks like a whole one (getsentry/self-hosted issue 616): it is refused instead.
def test_a_result_over_its_size_limit_is_refused_with_the_reason() -> None:
    store = DuckStore.in_memory()
    fill(store, 30_000, NOW)
    with serving(LocalClient(store), limited(answer_size=MIB)) as url:
        answer = requests.get(f"{url}/api/v1/query?metric=requests&by=task_type,tenant", timeout=20)
        small = requests.get(f"{url}/api/v1/query?metric=requests&by=task_type&top=10", timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (422, "TooMuch")
    assert "limits.answer_size" in answer.json()["detail"]
    assert len(small.json()["rows"]) == 11
    store.close()


def test_a_query_that_needs_more_memory_than_there_is_says_so(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path, memory_bytes=64 * MIB)
    with pytest.raises(TooMuch, match=r"limits\.query_memory"):
        store.state("SELECT list(i ORDER BY hash(i)) FROM range(40_000_000) AS a(i)")
    assert store.state("SELECT 1 AS one")["one"].to_pylist() == [1]
    store.close()


def test_a_limit_of_an_unknown_dimension_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'tenant'"):
        LimitsConfig(values_of={"tenants": 5})
    assert LimitsConfig(values=7, values_of={"tenant": 5}).of("task_type") == 7
    assert LimitsConfig().query_time == timedelta(seconds=30)


def test_the_what_if_query_reads_no_more_requests_than_its_limit(store: DuckStore) -> None:
    with serving(LocalClient(store, config=limited(audited_requests=1_000)), Config()) as url:
        answer = requests.get(f"{url}/api/v1/whatif", timeout=20)
    assert (answer.status_code, "limits.audited_requests" in answer.json()["detail"]) == (422, True)
