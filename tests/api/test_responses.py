"""The shapes of the contract, over a real socket."""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
import requests

from controlsurface.api.app import create_app
from controlsurface.client import LocalClient
from controlsurface.client.query_protocol import Query, R
from controlsurface.config import Config, ServerConfig
from controlsurface.metrics.catalog import CATALOG
from controlsurface.store.duckdb import DuckStore
from tests.api.conftest import Get
from tests.serving import serving
from tests.stores import make_slow

ARROW = {"Accept": "application/vnd.apache.arrow.stream"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TABLES = (
    "query?metric=cost",
    "distribution?column=confidence",
    "dimensions",
    "requests",
    "requests/req-2",
    "attribution?week=2026-W02&by=team",
    "contributors?metric=escalation_rate&start=2026-01-08&end=2026-01-09&baseline_start=2026-01-07&baseline_end=2026-01-08",
    "unrecognised",
    "dropped",
    "sources",
    "coverage",
    "lanes/assumed",
)


def strict(text: str) -> Any:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_metric_catalog_is_listed(get: Get) -> None:
    listed = get("/api/v1/metrics").json()
    assert [entry["name"] for entry in listed] == [*CATALOG]
    assert {"name", "help", "unit", "better", "kind"} <= {*listed[0]}


def test_a_query_has_the_shape_of_the_contract(get: Get) -> None:
    path = "/api/v1/query?metric=escalation_rate&by=lane,task_type&where=tenant:acme&start=2026-01-02&end=&every=1d"
    answer = strict(get(path).text)
    assert {"metric", "unit", "rows", "source", "sql", "elapsed_ms"} <= {*answer}
    assert [*answer["rows"][0]] == ["bucket", "lane", "task_type", "value", "n", "low", "high"]
    assert TIME.fullmatch(answer["rows"][0]["bucket"])
    assert answer["source"] == "raw"


def test_money_is_a_number_and_carries_its_priced_share(get: Get) -> None:
    (row,) = strict(get("/api/v1/query?metric=cost").text)["rows"]
    assert isinstance(row["value"], float)
    assert 0 < row["priced_share"] < 1
    (request,) = strict(get("/api/v1/requests?order=costliest&limit=1").text)["rows"]
    assert isinstance(request["cost_usd"], float)


def test_dimensions_may_be_repeated_or_comma_separated(get: Get) -> None:
    one, two = (get(f"/api/v1/query?metric=requests&{by}").json()["rows"] for by in ("by=lane,mode", "by=lane&by=mode"))
    assert one == two


def test_a_distribution_has_bins(get: Get) -> None:
    answer = strict(get("/api/v1/distribution?column=confidence&by=lane").text)
    assert [*answer["bins"][0]] == ["lane", "lower", "upper", "n"]


def test_requests_are_paged(get: Get) -> None:
    first = strict(get("/api/v1/requests?limit=2").text)
    second = get(f"/api/v1/requests?limit=2&cursor={first['next']}").json()
    assert TIME.fullmatch(first["rows"][0]["started_at"])
    assert not {row["request_id"] for row in first["rows"]} & {row["request_id"] for row in second["rows"]}


def test_a_request_has_its_attempts_and_evaluations(get: Get) -> None:
    answer = strict(get("/api/v1/requests/req-2").text)
    assert answer["request"]["request_id"] == "req-2"
    assert {row["request_id"] for row in answer["attempts"]} == {"req-2"}


def test_a_trace_is_otlp_json(get: Get) -> None:
    trace_id = get("/api/v1/requests/req-2").json()["request"]["trace_id"]
    answer = strict(get(f"/api/v1/traces/{trace_id}").text)
    spans = [span for r in answer["resourceSpans"] for s in r["scopeSpans"] for span in s["spans"]]
    assert {span["traceId"] for span in spans} == {trace_id}
    assert isinstance(spans[0]["startTimeUnixNano"], str)


def test_ingest_has_the_counts_of_the_contract(get: Get) -> None:
    names = {"received", "accepted", "rejected", "duplicate", "late", "unrecognised", "pending", "lag_ms"}
    assert names | {"last_accepted_at"} <= {*get("/api/v1/ingest").json()}


@pytest.mark.parametrize("path", TABLES)
def test_arrow_and_json_say_the_same(path: str, get: Get) -> None:
    plain = get(f"/api/v1/{path}").json()
    streamed = get(f"/api/v1/{path}", headers=ARROW)
    assert streamed.headers["content-type"] == ARROW["Accept"]
    rows = pa.ipc.open_stream(io.BytesIO(streamed.content)).read_all().to_pylist()
    lists = [value for value in plain.values() if isinstance(value, list)] if len(rows) != 1 else [rows]
    shapes = [(len(each), [*(each[0] if each else {})]) for each in lists]
    assert (len(rows), [*(rows[0] if rows else {})]) in shapes


def test_nan_and_infinity_are_null_in_json(store: Any) -> None:
    class Odd(LocalClient):
        def run(self, query: Query[R]) -> R:
            rows = pa.table({"value": [float("nan"), float("inf"), -float("inf")], "n": [2**63 - 1] * 3})
            return replace(super().run(query), rows=rows)

    with serving(Odd(store)) as url:
        rows = strict(requests.get(f"{url}/api/v1/query?metric=cost", timeout=30).text)["rows"]
    assert rows == [{"value": None, "n": 2**63 - 1}] * 3


def test_health_needs_no_query(get: Get) -> None:
    assert get("/healthz").json() == {"alive": True}
    assert get("/readyz").json() == {"ready": True, "reasons": []}


def test_a_server_that_takes_no_traffic_says_why(store: Any) -> None:
    with serving(LocalClient(store, health=lambda: ["the disk is full"])) as url:
        ready, alive = (requests.get(url + path, timeout=30) for path in ("/readyz", "/healthz"))
        text = requests.get(f"{url}/metrics", timeout=30).text
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "reasons": ["the disk is full"]})
    assert alive.status_code == 200
    assert "controlsurface_ready 0.0" in text


def test_health_answers_while_queries_hold_every_thread() -> None:
    store = DuckStore.in_memory()
    make_slow(store)
    one_at_a_time = Config(server=ServerConfig(max_queries=1))
    with serving(LocalClient(store, timeout_s=2), one_at_a_time) as url, ThreadPoolExecutor() as threads:
        slow = [threads.submit(requests.get, f"{url}/api/v1/query?metric=requests", timeout=9) for _ in range(2)]
        assert requests.get(f"{url}/readyz", timeout=30).json()["ready"]
        assert not any(query.done() for query in slow)
        assert [query.result().status_code for query in slow] == [504, 504]
    store.close()


def test_the_app_is_made_without_touching_the_store(empty: LocalClient) -> None:
    assert len(create_app(empty, Config()).routes) >= 12


def test_advice_comes_with_the_state_of_every_rule(get: Get) -> None:
    answer = strict(get("/api/v1/advice?start=2026-01-02&end=2026-01-09").text)
    assert {row["rule"] for row in answer["advice"]} == {
        rule["rule"] for rule in answer["rules"] if rule["state"] == "found"
    }
    assert all(row["n"] >= 30 and row["title"] and row["why"] for row in answer["advice"])
