"""Roll-ups answer what stored rows answer: the same counts and sums, quantiles within a bin."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import isclose
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.metric_queries import DistributionQuery, MetricQuery
from controlsurface.maintenance import rollup_worker
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries import distribution_query, event_query, metric_query
from controlsurface.metrics.queries import window_query as spans
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.metrics.queries.window_query import WindowArgs
from controlsurface.metrics.rollups import read_planner
from controlsurface.metrics.rollups.measure_source import stored_rows_plan
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed

Row = dict[str, Any]
FIRST = NOW - timedelta(days=2)
SUMS = sorted(m.id for m in CATALOG.values() if m.kind != "quantile" and m.source != "arrivals")
QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95, "attempt_latency_p95": 0.95, "ttft_p50": 0.5}
WHERE = [(), ("lane:small",), ("task_type:chat", "task_type:"), ("tenant:acme", "lane:large"), ("router_version:v2",)]

moments = st.none() | st.integers(0, 48 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes, seconds=7))
steps = st.sampled_from([None, "5m", "7m", "1h", "3h", "1d"])
dimensions = st.lists(st.sampled_from(["task_type", "lane", "router_version"]), max_size=2, unique=True)


@st.composite
def windows(draw: st.DrawFn) -> Row:
    """Some window, open at either end or not."""
    ends = [draw(moments), draw(moments)]
    start, end = sorted(ends) if None not in ends else ends  # type: ignore[type-var]
    return {"start": start, "end": end, "where": draw(st.sampled_from(WHERE))}


@pytest.fixture(scope="module")
def rolled() -> Iterator[DuckStore]:
    """Two days of weighted traffic, all of it rolled up but three buckets."""
    store = DuckStore.in_memory()
    seed(store, n=900, days=2, end=NOW, weights=(1.0, 2.0, 2.5))
    rollup_worker.rebuild_rollups(store)
    with store.writing() as writing:
        for hour in (5, 6, 30):
            at = {"at": (FIRST + timedelta(hours=hour)).replace(tzinfo=None)}
            writing.execute("INSERT INTO rollup_dirty VALUES (300, $at), (3600, $at)", at)
            writing.execute("DELETE FROM requests_flow_1h WHERE bucket = $at", at)
    yield store
    store.close()


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roll-ups are read however few rows they stand for."""
    monkeypatch.setattr(read_planner, "MAX_RAW_ROWS", 0)


def from_rows(store: DuckStore, args: MetricArgs) -> list[Row]:
    return LocalClient(store).rows(metric_query.render_metric(args, stored_rows_plan(args))).to_pylist()


def same(one: Row, other: Row) -> bool:
    return one.keys() == other.keys() and all(
        value == other[name] or (isinstance(value, float) and isclose(value, other[name] or 0, rel_tol=1e-9))
        for name, value in one.items()
    )


@settings(max_examples=60)
@given(st.sampled_from(SUMS), windows(), dimensions, steps)
@pytest.mark.usefixtures("any_size")
def test_counts_and_sums_of_roll_ups_are_those_of_the_rows(
    rolled: DuckStore, metric: str, window: Row, by: list[str], every: str | None
) -> None:
    args = MetricArgs(metric=metric, by=by, every=every, **window)
    answer = LocalClient(rolled).run(MetricQuery(args))
    rows = from_rows(rolled, args)
    assert answer.rows.num_rows == len(rows)
    assert all(same(one, other) for one, other in zip(answer.rows.to_pylist(), rows, strict=True))


@pytest.mark.parametrize("metric", SUMS)
@pytest.mark.usefixtures("any_size")
def test_every_metric_that_only_sums_is_read_from_a_roll_up(rolled: DuckStore, metric: str) -> None:
    no_sum = "distinct(" in CATALOG[metric].sql or CATALOG[metric].source == "scores"
    answer = LocalClient(rolled).run(MetricQuery(MetricArgs(metric=metric, start=FIRST, end=NOW, by="task_type,lane")))
    assert answer.source == ("raw" if no_sum else "both")


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize(("by", "where"), [(("task_type", "lane"), ()), ((), ("tenant:acme", "lane:large"))])
def test_windows_that_are_queried_together_have_the_metrics_of_each_alone(
    rolled: DuckStore, by: tuple[str, ...], where: tuple[str, ...], few: int
) -> None:
    edges = [NOW - timedelta(hours=hours, seconds=7) for hours in (47, 40.4, 20, 3)]
    metrics = ("escalation_rate", "requests", "cost_per_request")
    args = WindowArgs(metrics, by, where, ((edges[0], edges[2]), (edges[1], edges[3]), (edges[0], edges[1])))
    run = LocalClient(rolled).rows
    reads = spans.plan_windows(run, args, few)
    assert bool(reads.rolled) == (few == 0)
    together = run(spans.render_windows(args, reads)).to_pylist()
    for span, (start, end) in enumerate(args.windows):
        mine = {tuple(row[name] for name in by): row for row in together if row["span"] == span}
        for i, metric in enumerate(metrics):
            alone = from_rows(rolled, MetricArgs(metric=metric, by=by, where=where, start=start, end=end))
            assert len(alone) == len(mine) > 0
            for row in alone:
                seen = mine[tuple(row[name] for name in by)]
                shown = [seen.get(f"{part}_{i}") for part in ("value", "n", "low", "high")]
                assert shown == pytest.approx([row["value"], row["n"], row.get("low"), row.get("high")])


@settings(max_examples=25)
@given(st.sampled_from(sorted(QUANTILES)), windows(), st.booleans())
@pytest.mark.usefixtures("any_size")
def test_quantiles_of_roll_ups_lie_within_their_bin(rolled: DuckStore, metric: str, window: Row, by_lane: bool) -> None:
    window |= {"where": ()}
    by = ["lane"] if by_lane else []
    source, column = (
        ("attempts" if "attempt" in metric else "requests"),
        f"{'ttft' if 'ttft' in metric else 'duration'}_ms",
    )
    for row in LocalClient(rolled).run(MetricQuery(MetricArgs(metric=metric, by=by, **window))).rows.to_pylist():
        values = weighted_values(rolled, source, column, window, row)
        assert row["n"] == len(values)
        if values:
            of_rows, weights = np.array(values).T
            truth = np.quantile(of_rows, QUANTILES[metric], weights=weights, method="inverted_cdf")
            assert isclose(row["value"], truth, rel_tol=0.0251)


def weighted_values(store: DuckStore, source: str, column: str, window: Row, row: Row) -> list[tuple[float, float]]:
    sql = (
        f"SELECT {column} AS value, sample_weight AS weight, lane, started_at FROM {source} WHERE {column} IS NOT NULL"
    )
    start, end = (window[name] for name in ("start", "end"))
    return [
        (each["value"], each["weight"])
        for each in store.state(sql).to_pylist()
        if ("lane" not in row or each["lane"] == row["lane"]) and within(each["started_at"], start, end)
    ]


def within(at: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if at is None:
        return start is None and end is None
    return (start is None or at >= start) and (end is None or at < end)


@pytest.mark.parametrize("column", ["confidence", "latency_ms", "cost_usd", "output_tokens"])
@pytest.mark.usefixtures("any_size")
def test_bins_of_roll_ups_are_those_of_the_rows(rolled: DuckStore, column: Any) -> None:
    reader = LocalClient(rolled)
    for more in ({}, {"by": "lane", "every": "2h"}, {"by": "tenant"}):
        args = DistributionArgs(column=column, start=FIRST + timedelta(minutes=7), end=NOW, **more)
        rows = reader.rows(distribution_query.render_distribution(args, stored_rows_plan(args)))
        assert reader.run(DistributionQuery(args)).rows.to_pylist() == rows.to_pylist()


def test_few_rows_are_read_without_roll_ups(rolled: DuckStore) -> None:
    assert LocalClient(rolled).run(MetricQuery(MetricArgs(metric="requests", start=FIRST))).source == "raw"


@pytest.mark.usefixtures("any_size")
def test_a_query_that_no_roll_up_serves_is_read_from_rows(rolled: DuckStore) -> None:
    reader = LocalClient(rolled)
    for more in ({"by": "job"}, {"where": ["service:assistant"]}, {"every": "1m"}, {"by": "tenant,router_version"}):
        assert reader.run(MetricQuery(MetricArgs(metric="requests", start=FIRST, **more))).source == "raw"


@pytest.mark.usefixtures("any_size")
def test_whole_clean_hours_need_no_rows(rolled: DuckStore) -> None:
    hours = {"start": FIRST + timedelta(hours=8), "end": FIRST + timedelta(hours=24)}
    assert LocalClient(rolled).run(MetricQuery(MetricArgs(metric="cost", by="tenant", **hours))).source == "rollup"


def test_a_store_that_never_rolled_up_answers_from_rows() -> None:
    store = DuckStore.in_memory()
    assert LocalClient(store).run(MetricQuery(MetricArgs(metric="requests"))).rows.to_pylist() == [
        {"value": 0.0, "n": 0}
    ]
    store.close()


@pytest.mark.parametrize("days", [0.5, 1, 2])
@pytest.mark.usefixtures("any_size")
def test_change_events_are_found_alike_in_rows_and_in_roll_ups(rolled: DuckStore, days: float) -> None:
    args = EventsArgs(start=NOW - timedelta(days=days), end=NOW)
    plan = read_planner.plan_read(LocalClient(rolled).rows, event_query.measures_of_sightings(args))
    assert plan.source == "both"
    found = LocalClient(rolled).run(EventsQuery(args)).rows.to_pylist()
    assert found == LocalClient(rolled).rows(event_query.render_events(args)).to_pylist()
