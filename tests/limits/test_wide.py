"""150,000 task types, tenants and models in one day: every endpoint and page answers soon, or says why it does not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import pytest
import requests
from streamlit.testing.v1 import AppTest

from controlsurface.alerting.delivery.outbox import enqueue_alerts
from controlsurface.alerting.detector_registry import create_detectors
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.alerting.rules.rule_loader import configured_rule_paths
from controlsurface.bench.bench_collector import BenchCollector, bench_collector
from controlsurface.config import Config
from controlsurface.config.query_limits import LimitsConfig
from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.store.duckdb import DuckStore
from tests.limits.wide import fill

REQUESTS = 150_000
PATIENCE_S = 8.0  # two of a quiet machine; others may slow down memory too
PAGE_PATIENCE_S = 10.0  # a page asks up to a dozen questions, two at a time
MAX_RSS_MB = 1_200
PAGES = sorted(path.name for path in Path(DASHBOARDS).glob("*.py") if path.name != "app.py")
REFUSALS = {400, 404, 422, 503, 504}

pytestmark = [pytest.mark.slow, pytest.mark.no_cover, pytest.mark.xdist_group("wide")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchCollector]:
    """A collector on a store that an older version filled, without any limit."""
    data = tmp_path_factory.mktemp("wide")
    store = DuckStore.open(data)
    fill(store, REQUESTS, datetime.now(UTC))
    store.close()
    with bench_collector(data) as running:
        yield running


def _get(server: BenchCollector, path: str, **query: Any) -> tuple[requests.Response, float]:
    """The answer, and the seconds that it took, of the clock or of the processor: others may keep the machine busy."""
    began, spent = perf_counter(), server.cpu_s()
    answer = requests.get(server.api + path, params=query, timeout=60)
    return answer, min(perf_counter() - began, server.cpu_s() - spent)


def _queries(described: dict[str, Any], near: dict[str, str]) -> list[dict[str, str]]:
    """What an endpoint is asked: the whole day, and broken down by what it has most of."""
    names = {each["name"]: each for each in described.get("parameters", ()) if each["in"] == "query"}
    given = {"start": near["start"], "end": near["end"], "metric": "escalation_rate", "column": "latency_ms"}
    given |= {"metrics": "requests,cost", "week": near["week"], "reviewer": "r", "baseline_start": near["before"]}
    base = {name: value for name, value in given.items() if name in names}
    more = [
        {"by": "task_type"},
        {"by": "task_type,tenant"},
        {"by": "task_type", "every": "1h"},
        {"by": "task_type", "top": "50"},
    ]
    return [base, *(base | each for each in more if each.keys() <= names.keys())]


def test_every_endpoint_of_the_document_answers_in_time_or_says_why_not(server: BenchCollector) -> None:
    now = datetime.now(UTC)
    row = _get(server, "/api/v1/requests", limit=1)[0].json()["rows"][0]
    names = {
        "request_id": row["request_id"],
        "trace_id": row["trace_id"],
        "alert": "x",
        "item_id": "x",
        "silence_id": "x",
    }
    near = {"start": now - timedelta(hours=25), "end": now, "before": now - timedelta(hours=50)}
    texts = {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in near.items()} | {"week": f"{now:%G-W%V}"}
    slow = []
    for path, methods in _get(server, "/api/openapi.json")[0].json()["paths"].items():
        for query in _queries(methods["get"], texts) if "get" in methods else ():
            answer, took_s = _get(server, path.format(**names), **query)
            told = answer.ok or (answer.status_code in REFUSALS and answer.json()["detail"])
            if took_s > PATIENCE_S or not told:
                slow.append((path, query, answer.status_code, round(took_s, 1)))
    assert not slow
    assert server.rss_mb() < MAX_RSS_MB


def test_a_query_with_a_top_closes_to_the_total(server: BenchCollector) -> None:
    window = {"start": "-25h", "metric": "requests"}
    rows = _get(server, "/api/v1/query", by="task_type", top=50, **window)[0].json()["rows"]
    assert len(rows) == 51
    assert sum(row["value"] for row in rows) == REQUESTS
    assert next(row["value"] for row in rows if row["task_type"] == "(other)") == REQUESTS - 50


def test_the_what_if_query_says_how_many_task_types_it_tells_apart(server: BenchCollector) -> None:
    answer = _get(server, "/api/v1/whatif", start="-25h")[0].json()
    slices = {each["task_type"]: each["n"] for each in answer["slices"]}
    assert len(slices) == LimitsConfig().answer_values + 2
    assert slices[None] == sum(n for name, n in slices.items() if name is not None)
    assert answer["task_types"] > 100_000


def test_events_say_how_many_names_they_leave_out(server: BenchCollector) -> None:
    answer, _ = _get(server, "/api/v1/events", start="-25h", end="-0s")
    assert answer.json()["left_out"] > 100_000


# A spinner's timer may still run when its page has ended: Streamlit then stops the timer by an exception.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_time(server: BenchCollector, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROLSURFACE_API", server.api)
    app = AppTest.from_file(DASHBOARDS / "app.py", default_timeout=60)
    app.query_params.update({"range": "24h"})
    began, spent = perf_counter(), process_time() + server.cpu_s()
    opened = (app if page == "overview.py" else app.switch_page(page)).run()
    assert min(perf_counter() - began, process_time() + server.cpu_s() - spent) < PAGE_PATIENCE_S
    assert not opened.exception


def test_a_tick_of_the_shipped_rules_takes_less_than_a_second() -> None:
    store, now = DuckStore.in_memory(), datetime.now(UTC)
    fill(store, REQUESTS, now, most=LimitsConfig().values)
    engine = RuleEngine(store, EvaluationContext(store, detectors=create_detectors(store)), enqueue_alerts, now)
    engine.put_in_force(configured_rule_paths(Config(), ()).load(), now)
    engine.tick(now)
    took_s = []
    for minute in range(1, 5):
        began, spent = perf_counter(), process_time()
        engine.tick(now + timedelta(minutes=minute))
        took_s.append(min(perf_counter() - began, process_time() - spent))
    store.close()
    assert min(took_s) < 1  # the others may have had to wait for the machine
