"""Buckets of line charts: none rests on few rows, together they are the window, and each is the store's own figure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.charts import TimeSpan
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.metric_queries import BatchQuery
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.steady_series import SeriesLevel, joined_windows, steady_metrics, widened, zero_filled
from controlsurface.ui.view import DashboardView
from tests.stores import put

START = datetime(2026, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = DashboardView(START, START + 24 * HOUR, HOUR)
COUNTS = st.lists(st.sampled_from([0, 0, 1, 7, 29, 30, 100]), min_size=24, max_size=24)


def levels(counts: list[int]) -> list[SeriesLevel]:
    """Levels of one series with so many rows in each hour, of which the value is the mean of the hours' numbers."""
    whole = [SeriesLevel(figures(counts, range(0, 24, cells), cells), cells) for cells in (1, 2, 4)]
    joined = joined_windows(whole, DAY.span, [])
    return whole + [SeriesLevel(figures(counts, [first], after - first), after - first) for first, after in joined]


def figures(counts: list[int], starts: Iterable[int], cells: int) -> pl.DataFrame:
    """The rows of buckets of so many hours."""
    own = {at: np.array(counts[at : at + cells]) for at in starts if sum(counts[at : at + cells])}
    return pl.DataFrame(
        {
            "bucket": [START + at * HOUR for at in own],
            "value": [float(np.dot(each, np.arange(at, at + len(each))) / each.sum()) for at, each in own.items()],
            "n": [int(each.sum()) for each in own.values()],
        },
        schema={"bucket": pl.Datetime("us", "UTC"), "value": pl.Float64, "n": pl.Int64},
    )


@settings(max_examples=60)
@given(COUNTS)
def test_drawn_buckets_rest_on_enough_rows_and_are_the_window_together(counts: list[int]) -> None:
    drawn = widened(levels(counts), DAY.span, [])
    assert (drawn["n"] >= 30).all()
    assert drawn["n"].sum() == (sum(counts) if sum(counts) >= 30 else 0)
    assert all(before[1] <= after[0] for before, after in pairwise(drawn.select("bucket", "until").rows()))


@settings(max_examples=60)
@given(COUNTS)
def test_a_drawn_bucket_has_the_ratio_of_the_sums_over_its_time(counts: list[int]) -> None:
    for row in widened(levels(counts), DAY.span, []).to_dicts():
        inside = range((row["bucket"] - START) // HOUR, (row["until"] - START) // HOUR)
        assert row["n"] == sum(counts[hour] for hour in inside)
        assert row["value"] == pytest.approx(sum(hour * counts[hour] for hour in inside) / row["n"])


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0, 0, 0, 5, 100]), min_size=24, max_size=24))
def test_no_drawn_bucket_is_a_dot(counts: list[int]) -> None:
    edges = widened(levels(counts), DAY.span, []).select("bucket", "until").rows()
    for start, end in edges:
        beside = any(start == each[1] or end == each[0] for each in edges)
        assert end - start >= 2 * HOUR or beside


def test_busy_buckets_are_left_as_they_are() -> None:
    drawn = widened(levels([100] * 24), DAY.span, [])
    assert drawn.height == 24
    assert (drawn["until"] - drawn["bucket"] == HOUR).all()


def test_a_quiet_night_does_not_widen_the_day() -> None:
    drawn = widened(levels([10] * 8 + [100] * 16), DAY.span, [])
    assert [length // HOUR for length in drawn["until"] - drawn["bucket"]] == [4, 4, *[1] * 16]


def test_values_between_gaps_are_seen() -> None:
    """A point among unknown ones is no line: grafana/grafana#35426, #48835."""
    drawn = widened(levels([100, 0] * 12), DAY.span, [])
    assert [length // HOUR for length in drawn["until"] - drawn["bucket"]] == [2] * 12


@pytest.mark.parametrize("counts", [[100] + [0] * 23, [0] * 23 + [100]])
def test_a_value_at_the_edge_of_the_window_is_seen(counts: list[int]) -> None:
    """grafana/grafana#106507."""
    (length,) = widened(levels(counts), DAY.span, []).select(pl.col("until") - pl.col("bucket")).to_series()
    assert length == 2 * HOUR


def test_a_tail_of_few_rows_joins_its_neighbour_and_leaves_the_rest() -> None:
    drawn = widened(levels([100] * 20 + [1, 0, 0, 2]), DAY.span, [])
    assert [length // HOUR for length in drawn["until"] - drawn["bucket"]] == [*[1] * 19, 5]


def test_a_sum_is_zero_where_nothing_fell() -> None:
    few = pl.DataFrame({"bucket": [START + HOUR], "lane": ["small"], "value": [3.0], "n": [2]}).with_columns(
        pl.col("bucket").cast(pl.Datetime("us", "UTC"))
    )
    found = zero_filled(few, TimeSpan(START, START + 3 * HOUR, HOUR), ["lane"])
    assert found.select("value", "n").rows() == [(0, 0), (3, 2), (0, 0)]


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    """400 requests of a day and a half, dense first, then ever rarer; weighted, as head sampling leaves them."""
    random = np.random.default_rng(7)
    found = DuckStore.in_memory()
    rows = [
        {
            "started_at": (START + timedelta(seconds=float(second))).replace(tzinfo=None),
            "failed": bool(random.random() < 0.3),
            "task_type": str(random.choice(["chat", "code"])),
            "duration_ms": float(random.integers(1, 1000)),
            "sample_weight": float(random.choice([1.0, 4.0])),
        }
        for second in np.sort(36 * 3600 * random.beta(1, 3, 400))
    ]
    put(found, rows)
    yield found
    found.close()


@pytest.fixture
def drawn(store: DuckStore, monkeypatch: pytest.MonkeyPatch) -> dict[str, pl.DataFrame]:
    """What is drawn of three metrics by task type, asked of the store itself."""
    client = LocalClient(store)

    def asked(
        metrics: list[str], by: list[str], every: timedelta | None, within: DashboardView
    ) -> dict[str, pl.DataFrame]:
        args = BatchArgs(metrics=tuple(metrics), by=tuple(by), every=every, **within.asked)
        rows = as_polars(client.run(BatchQuery(args)).rows)
        return {name: rows.filter(pl.col("metric") == name).drop("metric") for name in args.metrics}

    monkeypatch.setattr(collector_queries, "query_metrics", asked)
    monkeypatch.setattr(collector_queries, "fetch_catalog", lambda: CATALOG)
    view = DashboardView(START, START + 36 * HOUR, timedelta(minutes=30))
    return steady_metrics(["error_rate", "latency_p50", "requests"], view, ["task_type"])


def rows_of(store: DuckStore, row: dict[str, object]) -> pl.DataFrame:
    """The stored requests of one drawn bucket."""
    found = pl.DataFrame(
        store.state("SELECT started_at AS at, failed, duration_ms, task_type, sample_weight AS w FROM requests")
    )
    start, until = (each.replace(tzinfo=None) for each in (row["bucket"], row["until"]) if isinstance(each, datetime))
    inside = pl.col("at").dt.replace_time_zone(None).is_between(start, until, closed="left")
    return found.filter(inside, pl.col("task_type") == row["task_type"])


@pytest.mark.parametrize("name", ["error_rate", "latency_p50"])
def test_what_the_store_answers_rests_on_enough_rows_and_is_all_of_them(
    drawn: dict[str, pl.DataFrame], name: str
) -> None:
    assert (drawn[name]["n"] >= 30).all()
    assert drawn[name]["n"].sum() == 400
    assert drawn[name].height > 4


def test_a_rate_over_a_wide_bucket_is_that_of_its_weighted_rows(
    drawn: dict[str, pl.DataFrame], store: DuckStore
) -> None:
    for row in drawn["error_rate"].to_dicts():
        own = rows_of(store, row)
        assert row["value"] == pytest.approx(float(np.average(own["failed"].to_numpy(), weights=own["w"].to_numpy())))


def test_a_median_over_a_wide_bucket_is_that_of_its_rows(drawn: dict[str, pl.DataFrame], store: DuckStore) -> None:
    for row in drawn["latency_p50"].to_dicts():
        own = rows_of(store, row)
        each = np.repeat(own["duration_ms"].to_numpy(), own["w"].cast(pl.Int64).to_numpy())
        assert row["value"] == pytest.approx(
            float(np.median(each)), rel=0.05
        )  # a bin's width, for what is weighted is in bins


def test_buckets_of_a_sum_add_up_to_the_window(drawn: dict[str, pl.DataFrame], store: DuckStore) -> None:
    (total,) = store.state("SELECT sum(sample_weight) AS n FROM requests").to_pylist()
    assert drawn["requests"]["value"].sum() == pytest.approx(total["n"])
