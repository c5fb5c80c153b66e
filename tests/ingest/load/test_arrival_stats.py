"""What came is counted by the minute, and adds up."""

from collections.abc import Callable
from datetime import datetime

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.ingest.load import batch
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.ingest.loading import Loaded
from tests.ingest.spans import S, body, call

Figure = Callable[[str], float]


def figures(store: DuckStore) -> Figure:
    def figure(metric: str) -> float:
        return float(LocalClient(store).run(MetricQuery(MetricArgs(metric=metric))).rows["value"][0].as_py())

    return figure


def test_stored_late_unrecognized_refused_and_repeated_spans_are_counted_apart() -> None:
    loaded = Loaded()
    loaded.load([("traces", body(call(1), call(2), S(3, attributes={"some": "thing"})))])
    loaded.load([("traces", body(call(4)))])  # of the same trace
    with loaded.store.writing() as writing:
        batch.count_unstored(writing, duplicate=3, expired=2, rejected=1, refused=5)
        batch.count_unstored(writing, duplicate=0, expired=0, rejected=0, refused=0)
    figure = figures(loaded.store)
    assert [figure(f"spans_{name}") for name in ("received", "stored", "expired", "rejected")] == [10, 4, 2, 1]
    assert figure("bodies_refused") == 5
    assert figure("span_late_share") == figure("span_unrecognised_share") == 0.25
    assert figure("span_duplicate_share") == 0.3
    assert LocalClient(loaded.store).run(MetricQuery(MetricArgs(metric="spans_stored"))).rows["n"].to_pylist() == [10]
    loaded.store.close()


def test_lag_and_freshness_are_means_over_spans() -> None:
    store = DuckStore.in_memory()
    with store.writing() as writing:
        for minute, (spans, lag_ms) in enumerate([(1, 400), (3, 200)]):
            at = {"at": datetime(2026, 1, 5, 10, minute), "spans": spans, "lag_ms": lag_ms}  # noqa: DTZ001
            writing.execute("INSERT INTO arrivals VALUES ($at, 's', $spans, 0, 0, $lag_ms, 2, 500, 0, 0, 0, 0)", at)
    assert (figures(store)("journal_lag_mean"), figures(store)("freshness_mean")) == (150, 250)
    store.close()
