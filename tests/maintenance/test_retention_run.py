"""What is too old goes, and the figures that roll-ups carry stay what they were."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.config import Config, RetentionConfig
from controlsurface.maintenance import retention_run, rollup_worker
from controlsurface.maintenance.retention_run import RetentionRun
from controlsurface.maintenance.retention_worker import RetentionWorker
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.retention_terms import PERMANENT_TABLES, RETENTION_TERMS, retention_cuts
from tests.ingest.loading import Loaded
from tests.ingest.spans import T0_NS, body, call, route
from tests.metrics.rollups.test_rollups import SUMS, same
from tests.seed import NOW, seed
from tests.stores import put

Row = dict[str, Any]
FOUR_DAYS = Config(retention=RetentionConfig(spans=timedelta(days=4), requests=timedelta(days=4)))
ONE_DAY = Config(retention=RetentionConfig(spans=timedelta(days=1), requests=timedelta(days=1)))
FIRST = NOW - timedelta(days=8)
ADDITIVE = [name for name in SUMS if "distinct(" not in CATALOG[name].sql and CATALOG[name].source != "scores"]
T0 = datetime.fromtimestamp(T0_NS / 1e9, UTC)


def filled(store: DuckStore, n: int = 200, days: int = 2) -> DuckStore:
    """Some days of traffic until NOW, all of it rolled up, however few requests five minutes have."""
    seed(store, n=n, days=days, end=NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup_worker, "MIN_BUCKET_REQUESTS", 1)
        rollup_worker.rebuild_rollups(store)
    return store


def asked(store: DuckStore, metric: str, by: list[str], every: str | None, start: datetime, end: datetime) -> list[Row]:
    args = MetricArgs(metric=metric, by=by, every=every, start=start, end=end)
    return LocalClient(store).run(MetricQuery(args)).rows.to_pylist()


def count(store: DuckStore, table: str, where: str = "TRUE") -> int:
    return int(store.state(f"SELECT count(*) AS n FROM {table} WHERE {where}")["n"][0].as_py())


@pytest.fixture(scope="module")
def before_and_after() -> Iterator[tuple[DuckStore, DuckStore]]:
    """The same traffic, whole, and with its first half gone."""
    before, after = filled(DuckStore.in_memory(), 600, 8), filled(DuckStore.in_memory(), 600, 8)
    run = RetentionRun(after, FOUR_DAYS, NOW).run()
    assert run.waiting == 0
    assert {each.table for each in run.removed} >= {"spans", "requests", "attempts", "evaluations", "requests_flow_5m"}
    yield before, after
    before.close()
    after.close()


hours = st.integers(0, 8 * 24).map(lambda number: FIRST + timedelta(hours=number))


@settings(max_examples=15)
@given(
    st.sampled_from(ADDITIVE),
    hours,
    hours,
    st.lists(st.sampled_from(["task_type", "lane", "router_version"]), max_size=2, unique=True),
    st.sampled_from([None, "1h", "1d"]),
)
def test_hourly_metrics_are_what_they_were_before_the_rows_went(
    before_and_after: tuple[DuckStore, DuckStore],
    metric: str,
    one: datetime,
    other: datetime,
    by: list[str],
    every: Any,
) -> None:
    before, after = (asked(store, metric, by, every, min(one, other), max(one, other)) for store in before_and_after)
    assert len(before) == len(after)
    assert all(same(row, kept) for row, kept in zip(before, after, strict=True))


def test_rows_within_the_retention_stay_and_older_ones_are_gone(
    before_and_after: tuple[DuckStore, DuckStore],
) -> None:
    before, after = before_and_after
    cut = NOW.replace(tzinfo=None) - timedelta(days=4)
    for table in ("spans", "requests", "attempts"):
        assert count(after, table, f"started_at < TIMESTAMP '{cut}'") == 0
        kept = f"started_at >= TIMESTAMP '{cut}'"
        assert count(after, table, kept) == count(before, table, kept) > 0


def test_a_retention_run_that_finds_nothing_too_old_changes_nothing() -> None:
    store = filled(DuckStore.in_memory(), 50, 1)
    assert RetentionRun(store, Config(), NOW).run().removed == []
    assert count(store, "retained") == 0
    store.close()


def test_rows_whose_roll_ups_are_not_made_wait_for_them() -> None:
    store = DuckStore.in_memory()
    rollup_worker.install_rollups(store)
    seed(store, n=200, days=2, end=NOW)
    run = RetentionRun(store, ONE_DAY, NOW).run()
    assert run.waiting > 0
    assert count(store, "requests") == 200
    assert rollup_worker.compute_rollups(store, NOW, days=30) > 0
    assert RetentionRun(store, ONE_DAY, NOW).run().waiting == 0
    assert 0 < count(store, "requests") < 200
    store.close()


def test_buckets_that_were_left_to_their_rows_are_rolled_up_before_these_go() -> None:
    store, old = DuckStore.in_memory(), NOW - timedelta(days=6)
    put(store, [{"started_at": old.replace(tzinfo=None), "tenant": f"t{i}"} for i in range(4001)])
    rollup_worker.rebuild_rollups(store)
    assert count(store, "rollup_skipped") == 1
    RetentionRun(store, FOUR_DAYS, NOW).run()
    assert count(store, "requests") == 0
    window = (old - timedelta(days=1), NOW)
    assert len(asked(store, "requests", ["tenant"], None, *window)) == 4001
    store.close()


def test_hourly_roll_ups_go_when_they_are_too_old_themselves() -> None:
    store = filled(DuckStore.in_memory(), 200, 3)
    kept = RetentionConfig(spans=timedelta(days=1), requests=timedelta(days=1), rollups=timedelta(days=2))
    RetentionRun(store, Config(retention=kept), NOW).run()
    assert len(asked(store, "requests", [], "1d", FIRST, NOW)) == 3  # the first of them begins at noon
    store.close()


def aged(ran_at: datetime) -> Loaded:
    """Two requests 12 days apart, of which the retention of four days has removed the first."""
    loaded = Loaded(FOUR_DAYS)
    rollup_worker.install_rollups(loaded.store)
    later = 12 * 86_400_000
    loaded.load([("traces", body(route(1), call(2, 1)))])
    loaded.load([("traces", body(call(4, at=later, trace=2)))])
    rollup_worker.compute_rollups(loaded.store, ran_at, days=30)
    assert RetentionRun(loaded.store, FOUR_DAYS, ran_at).run().waiting == 0
    return loaded


def test_spans_that_come_after_their_time_is_over_are_counted_and_break_no_roll_up() -> None:
    ran_at = T0 + timedelta(days=13)
    loaded = aged(ran_at)
    outcome = loaded.load([("traces", body(call(3, 1), call(5, at=12 * 86_400_000, trace=3)))])
    assert (outcome.expired, outcome.inserted) == (1, 1)
    assert rollup_worker.compute_rollups(loaded.store, ran_at, days=30) > 0
    days = [row["value"] for row in asked(loaded.store, "requests", [], "1d", T0 - timedelta(days=1), ran_at)]
    assert days == [1, 2]
    loaded.store.close()


def test_a_late_span_beside_a_frozen_request_leaves_the_frozen_row_alone() -> None:
    loaded = Loaded(FOUR_DAYS)
    rollup_worker.install_rollups(loaded.store)
    loaded.load([("traces", body(route(1), call(2, 1)))])
    with loaded.store.writing() as writing:
        frozen = (T0 + timedelta(seconds=5)).replace(tzinfo=None)
        writing.execute("INSERT INTO retained VALUES ('frozen', $frozen)", {"frozen": frozen})
    known = loaded.rows("requests")
    loaded.load([("traces", body(call(3, 1, at=6000)))])
    assert loaded.rows("requests") == known
    assert [row["started_at"].second - frozen.second for row in loaded.rows("attempts")] == [-5, 1]
    loaded.store.close()


def test_a_trace_that_lasts_for_days_loses_no_row_when_it_goes_on() -> None:
    loaded = Loaded()
    for hour in (0, 2, 4):
        loaded.load([("traces", body(call(hour + 1, at=hour * 3_600_000)))])
    assert len(loaded.rows("requests")) == len(loaded.rows("attempts")) == 3
    loaded.store.close()


def test_requests_that_arrive_during_a_retention_run_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_run, "ROWS_PER_TRANSACTION", 40)
    store, arrived = filled(DuckStore.in_memory()), []

    def arrive() -> bool:
        put(store, [{"started_at": NOW.replace(tzinfo=None), "request_id": "new"}])
        arrived.append(1)
        return False

    RetentionRun(store, ONE_DAY, NOW, arrive).run()
    assert len(arrived) > 5
    assert count(store, "requests", "request_id = 'new'") == len(arrived)
    store.close()


def test_a_crash_in_the_middle_of_a_retention_run_costs_nothing_but_time(tmp_path: Path) -> None:
    expected = filled(DuckStore.in_memory())
    filled(DuckStore.open(tmp_path)).close()
    process = subprocess.Popen([sys.executable, "-c", CRASHING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline()  # some hours are gone
    process.kill()
    process.communicate()
    store = DuckStore.open(tmp_path)
    too_old = f"started_at < TIMESTAMP '{NOW.replace(tzinfo=None) - timedelta(days=1)}'"
    assert 0 < count(store, "requests", too_old) < count(expected, "requests", too_old)
    for name in ("requests", "cost", "escalation_rate", "error_rate"):
        one, other = (asked(each, name, ["lane"], "1d", FIRST, NOW) for each in (expected, store))
        assert all(same(*rows) for rows in zip(one, other, strict=True))
    assert RetentionRun(store, ONE_DAY, NOW).run().waiting == 0
    assert count(store, "requests", too_old) == 0
    store.close()


CRASHING = """
import sys
from pathlib import Path
from controlsurface.maintenance import retention_run
from controlsurface.store.duckdb import DuckStore
from tests.maintenance.test_retention_run import NOW, ONE_DAY
retention_run.ROWS_PER_TRANSACTION = 10
gone = []
def told():
    gone.append(1)
    if len(gone) == 5:
        print("some", flush=True)
        sys.stdin.read()
retention_run.RetentionRun(DuckStore.open(Path(sys.argv[1])), ONE_DAY, NOW, told).run()
"""


def test_every_table_has_a_term_or_a_reason_to_be_kept() -> None:
    store = DuckStore.in_memory()
    tables = store.state("SELECT table_name FROM duckdb_tables()")["table_name"].to_pylist()
    assert {*tables} == {*(term.table for term in RETENTION_TERMS), *PERMANENT_TABLES}
    store.close()


@given(
    st.integers(24, 4000).map(lambda number: timedelta(hours=number)),
    st.integers(24, 4000).map(lambda number: timedelta(hours=number)),
    st.integers(1, 100).map(lambda number: timedelta(hours=number)),
)
def test_rows_are_frozen_before_they_go_and_new_ones_never(
    spans: timedelta, requests: timedelta, window: timedelta
) -> None:
    cut = retention_cuts(RetentionConfig(spans=spans, requests=requests, rollups=timedelta(days=999)), NOW, window)
    assert max(cut.before["spans"], cut.before["requests"]) <= cut.frozen < NOW


def test_a_running_retention_worker_fulfills_a_request_at_its_next_check() -> None:
    store = filled(DuckStore.in_memory())
    keeper = RetentionWorker(store, ONE_DAY)
    keeper.start()
    with store.writing() as writing:
        writing.execute("INSERT INTO retention_asked VALUES (now()::TIMESTAMP, 'ana')")
    until = time.monotonic() + 60
    while count(store, "retention_asked") and time.monotonic() < until:
        time.sleep(0.05)
    keeper.stop()
    assert count(store, "requests", "started_at IS NOT NULL") == 0  # all of it is from January
    assert count(store, "retention_loop") == 1
    store.close()
