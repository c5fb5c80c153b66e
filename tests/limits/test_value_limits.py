"""A dimension has so many values a day; what comes later is `(other)`, and every sum stays what it was."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controlsurface.client import LocalClient
from controlsurface.client.queries.cardinality_query import CardinalityQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.queries.rederivation import RederiveCommand, RederiveRequest
from controlsurface.config import Config
from controlsurface.config.query_limits import OTHER_VALUE, LimitsConfig
from controlsurface.ingest.load import rederive_spans
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.query.arguments import TimeRange
from tests.ingest.loading import Body, Loaded
from tests.ingest.spans import S, body, call, route
from tests.lanes import LANED

T0 = datetime.fromtimestamp(1_795_000_000, UTC)
DAY_MS = 86_400_000
MOST = 3


def limited(most: int = MOST, **more: Any) -> Config:
    return LANED.model_copy(update={"limits": LimitsConfig(values=most, values_of={}, **more)})


def request(trace: int, task: str, **more: Any) -> tuple[S, S]:
    return route(1, trace=trace, task_type=task, **more), call(2, 1, trace=trace)


def batches(tasks: Sequence[str], size: int = 1) -> list[list[Body]]:
    """A request for each task type, some a batch."""
    spans = [request(trace, task) for trace, task in enumerate(tasks, 1)]
    return [
        [("traces", body(*(each for pair in spans[start : start + size] for each in pair)))]
        for start in range(0, len(spans), size)
    ]


def filled(tasks: Sequence[str], config: Config, size: int = 1) -> Loaded:
    store = Loaded(config)
    for each in batches(tasks, size):
        store.load(each)
    return store


def counted(store: Loaded, name: str = "task_type", table: str = "requests") -> Counter[str]:
    rows = store.store.state(f"SELECT {name} AS value, count(*) AS n FROM {table} GROUP BY {name}").to_pylist()
    return Counter({row["value"]: row["n"] for row in rows})


def test_values_over_the_limit_of_a_day_are_stored_as_other() -> None:
    store = filled([f"t{i}" for i in range(8)], limited())
    assert counted(store) == counted(store, table="attempts") == {"t0": 1, "t1": 1, "t2": 1, OTHER_VALUE: 5}


@given(tasks=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), size=st.integers(2, 8))
@settings(max_examples=8, deadline=None)
def test_totals_and_numbers_of_values_do_not_depend_on_order_and_splitting(tasks: list[str], size: int) -> None:
    found = counted(filled(tasks, limited(), size))
    truth = Counter(tasks)
    assert found.total() == len(tasks)
    assert len(found.keys() - {OTHER_VALUE}) == min(MOST, len(truth))
    assert all(found[name] == truth[name] for name in found if name != OTHER_VALUE)


# OpenTelemetry's overflow attribute replaces all attributes, so filters by any of them undercount
# (opentelemetry-specification issue 3578, opentelemetry-dotnet issue 5939).
def test_metrics_by_another_dimension_do_not_depend_on_the_limit() -> None:
    config = LANED.model_copy(update={"limits": LimitsConfig(values=2, values_of={"tenant": 100})})
    store = Loaded(config)
    for trace in range(1, 9):
        store.load([("traces", body(*request(trace, f"t{trace}", tenant=f"tenant-{trace % 2}")))])
    assert counted(store, "tenant") == {"tenant-0": 4, "tenant-1": 4}
    assert counted(store, "answered_by") == {"slm-7b": 8}


# First come, first served lets whoever sends a new value with each request take all seats (vector issue 1734).
def test_the_most_frequent_values_of_a_batch_are_kept_under_the_limit() -> None:
    tasks = [f"noise-{i}" for i in range(10)] + ["chat"] * 5
    store = filled(tasks, limited(), size=len(tasks))
    assert counted(store)["chat"] == 5


# An overflow that lasts until the process ends hides real values for days (opentelemetry.io, cardinality limits).
def test_the_value_limit_begins_anew_with_each_day() -> None:
    store = filled([f"t{i}" for i in range(5)], limited())
    tomorrow = [
        S(1, 0, {"controlsurface.router.name": "r", "controlsurface.task_type": "new"}, DAY_MS, DAY_MS + 9, trace=99)
    ]
    store.load([("traces", body(*tomorrow, S(2, 1, call(2).attributes, DAY_MS, DAY_MS + 9, trace=99)))])
    assert counted(store)["new"] == 1


def test_a_late_span_changes_no_value_of_its_trace() -> None:
    store = filled([f"t{i}" for i in range(5)], limited())
    before = counted(store)
    for trace in (1, 5):
        store.load([("traces", body(call(3, 1, trace=trace, at=50)))])
    assert counted(store) == before


def test_the_cost_of_a_model_over_the_limit_stays() -> None:
    store = Loaded(limited())
    for trace in range(1, 6):
        spans = route(1, trace=trace), call(2, 1, f"slm-{trace}", trace=trace, gen_ai__usage__cost=0.5)
        store.load([("traces", body(*spans))])
    total = store.one("SELECT sum(cost_usd)::DOUBLE AS usd, count(DISTINCT model) AS models FROM attempts")
    assert total == {"usd": pytest.approx(2.5), "models": MOST + 1}


def test_a_raised_value_limit_and_rederive_bring_the_values_back() -> None:
    store = filled([f"t{i}" for i in range(6)], limited())
    assert counted(store)[OTHER_VALUE] == 3
    raised = Loaded.__new__(Loaded)
    raised.store, raised.prompts = store.store, store.prompts
    raised.loader = type(store.loader)(store.loader.conventions, limited(100), store.loader.prices)
    LocalClient(store.store).execute(RederiveCommand(RederiveRequest(who="test")))
    with store.store.writing() as writing:
        while rederive_spans.rederive_step(raised.loader, writing):
            pass
    assert counted(raised) == {f"t{i}": 1 for i in range(6)}


def told(store: Loaded, config: Config) -> dict[str, dict[str, Any]]:
    window = TimeRange(start=T0 - timedelta(days=2), end=T0 + timedelta(days=2))
    rows = LocalClient(store.store, config=config).run(CardinalityQuery(window)).rows.to_pylist()
    return {row["dimension"]: row for row in rows}


# Which target went over its limit, and by what, is the first question then (prometheus issue 12521).
def test_the_dimension_over_its_limit_is_named_with_counts_and_samples() -> None:
    config = limited()
    found = told(filled([f"t{i}" for i in range(8)], config), config)
    assert next(iter(found)) == "task_type"
    row = found["task_type"]
    assert (row["limit"], row["values"], row["over_limit"], row["other_rows"]) == (MOST, MOST, 5, 5)
    assert set(row["samples"]) == {f"t{i}" for i in range(3, 8)}
    assert found["tenant"]["over_limit"] == 0


def test_the_number_of_values_over_the_limit_is_estimated_within_a_fifth() -> None:
    config = limited()
    found = told(filled([f"t{i}" for i in range(2_000)], config, size=1_000), config)
    assert found["task_type"]["over_limit"] == pytest.approx(2_000 - MOST, rel=0.2)


def test_a_metric_by_task_type_still_sums_to_its_total() -> None:
    reader = LocalClient(filled([f"t{i}" for i in range(9)], limited(), size=4).store)
    by_task = reader.run(MetricQuery(MetricArgs(metric="requests", by=("task_type",)))).rows["value"].to_pylist()
    assert (
        sum(each or 0 for each in by_task)
        == reader.run(MetricQuery(MetricArgs(metric="requests"))).rows["value"][0].as_py()
        == 9
    )


def test_services_over_the_limit_share_a_row_of_arrivals() -> None:
    store = Loaded(limited())
    for trace in range(1, 7):
        export = ExportTraceServiceRequest.FromString(body(call(1, trace=trace)))
        resource = export.resource_spans[0].resource
        resource.attributes.add(key="service.name").value.string_value = f"s{trace}"
        store.load([("traces", export.SerializeToString())])
    assert counted(store, "service", "arrivals") == {"s1": 1, "s2": 1, "s3": 1, OTHER_VALUE: 1}
    assert store.one("SELECT sum(spans)::BIGINT AS n FROM arrivals")["n"] == 6
