"""Roll-ups follow whatever comes, in whatever order, and a crash loses no mark."""

import random
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from controlsurface.maintenance import rollup_worker
from controlsurface.maintenance.rollup_worker import MIN_BUCKET_REQUESTS
from controlsurface.metrics.rollups.rollup_catalog import MAX_GROUPS, ROLLUPS
from controlsurface.store.duckdb import DuckStore
from tests.ingest.loading import Body, Loaded, capture
from tests.ingest.test_order import RUNS, single_spans
from tests.launch import until
from tests.stores import make_slow, put

LATER = datetime(2999, 1, 1, tzinfo=UTC)


def contents(store: DuckStore) -> dict[str, list[dict[str, Any]]]:
    """All roll-ups, sums of fractions rounded: they depend on the order of addition."""
    return {name: sorted(map(rounded, store.state(f"FROM {name}").to_pylist()), key=repr) for name in ROLLUPS}


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in row.items()}


def marks(store: DuckStore) -> int:
    return store.state("FROM rollup_dirty").num_rows


@pytest.fixture(scope="module")
def parts() -> list[Body]:
    """Each span of some captured runs in a body of its own."""
    return single_spans([body for run in RUNS[:3] for body in capture(run)])


def test_late_spans_in_any_order_lead_to_the_roll_ups_of_a_rebuild(parts: list[Body]) -> None:
    shuffled = random.Random(1).sample(parts, len(parts))
    loaded = Loaded()
    rollup_worker.install_rollups(loaded.store)
    for i in range(2):
        loaded.load(shuffled[i::2])
        assert rollup_worker.compute_rollups(loaded.store, LATER, days=10_000) > 0
    followed = contents(loaded.store)
    rollup_worker.rebuild_rollups(loaded.store)
    assert followed["requests_flow_1h"]
    assert followed == contents(loaded.store)
    loaded.store.close()


def test_a_bucket_is_rolled_up_when_it_is_over(parts: list[Body]) -> None:
    loaded = Loaded()
    rollup_worker.install_rollups(loaded.store)
    loaded.load(parts)
    assert rollup_worker.compute_rollups(loaded.store, datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert marks(loaded.store) > 0
    rollup_worker.compute_rollups(loaded.store, LATER, days=10_000)
    assert marks(loaded.store) == 0
    loaded.store.close()


def test_a_dirty_mark_that_comes_while_its_bucket_is_rolled_up_stays(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    rollup_worker.install_rollups(store)
    mark = "INSERT INTO rollup_dirty VALUES (300, TIMESTAMP '2026-01-01')"
    with store.writing() as writing:
        writing.execute(mark)
    with store.beside() as beside:
        beside.execute("DELETE FROM rollup_dirty")
        with store.writing() as writing:
            writing.execute(mark)
    assert marks(store) == 1
    store.close()


def test_rows_stored_before_there_were_roll_ups_are_rolled_up() -> None:
    store = DuckStore.in_memory()
    put(store, [{"started_at": f"2026-01-01 {hour:02}:30:00"} for hour in (1, 4, 4)])
    rollup_worker.install_rollups(store)
    assert rollup_worker.compute_rollups(store, LATER) == 4
    found = store.state("SELECT bucket, n FROM requests_flow_1h ORDER BY bucket").to_pylist()
    assert [(row["bucket"].hour, row["n"]) for row in found] == [(1, 1), (4, 2)]
    store.close()


def test_a_new_roll_up_column_is_added_and_filled() -> None:
    store = DuckStore.in_memory()
    put(store, [{"started_at": "2026-01-01 01:30:00", "steps": 3}])
    rollup_worker.rebuild_rollups(store)
    with store.writing() as writing:
        writing.execute("ALTER TABLE requests_flow_1h DROP COLUMN steps")
        writing.execute("DELETE FROM rollup_columns WHERE rollup = 'requests_flow_1h' AND name = 'steps'")
    rollup_worker.install_rollups(store)
    rollup_worker.compute_rollups(store, LATER)
    assert store.state("SELECT steps FROM requests_flow_1h").to_pylist() == [{"steps": 3}]
    store.close()


def test_a_bucket_with_too_many_values_is_left_to_the_rows() -> None:
    store = DuckStore.in_memory()
    many = [{"started_at": "2026-01-01 01:30:00", "tenant": f"t{i}"} for i in range(MAX_GROUPS + 1)]
    put(store, many)
    rollup_worker.rebuild_rollups(store)
    assert store.state("SELECT rollup FROM rollup_skipped").to_pylist() == [{"rollup": "requests_owners_1h"}]
    assert store.state("FROM requests_owners_1h").num_rows == 0
    assert store.state("FROM requests_flow_1h").num_rows == 1
    store.close()


def test_a_new_dimension_leaves_roll_ups_of_rows_that_are_gone() -> None:
    store = DuckStore.in_memory()
    put(store, [{"started_at": "2026-01-01 01:30:00"}, {"started_at": "2026-02-01 01:30:00", "tenant": "acme"}])
    rollup_worker.rebuild_rollups(store)
    with store.writing() as writing:
        writing.execute("ALTER TABLE requests_owners_1h DROP COLUMN tenant")
        writing.execute("DELETE FROM rollup_columns WHERE rollup = 'requests_owners_1h' AND name = 'tenant'")
        writing.execute("DELETE FROM requests WHERE started_at < '2026-02-01'")
    rollup_worker.install_rollups(store)
    rollup_worker.compute_rollups(store, LATER, days=10_000)
    found = store.state("SELECT month(bucket) AS month, tenant, n FROM requests_owners_1h ORDER BY bucket").to_pylist()
    assert [(row["month"], row["tenant"], row["n"]) for row in found] == [(1, None, 1), (2, "acme", 1)]
    store.close()


def test_a_new_comparator_changes_comparisons_and_marks_no_bucket() -> None:
    store = DuckStore.in_memory()
    moment = {"started_at": "2026-01-01 01:30:00", "request_id": "r"}
    answers = [("user", "0.50"), ("shadow", "0.51")]
    put(store, [moment | {"purpose": purpose, "answer_label": label} for purpose, label in answers], "attempts")
    rollup_worker.rebuild_rollups(store)
    before = contents(store)
    with store.writing() as writing:
        writing.execute("INSERT INTO comparators VALUES (NULL, 'exact', 0, [], NULL, 'exact')")
    rollup_worker.install_rollups(store)
    after = contents(store)
    assert marks(store) == 0
    assert [name for name in ROLLUPS if before[name] != after[name]] == ["comparisons_flow_1h"]
    rollup_worker.rebuild_rollups(store)
    assert contents(store) == after
    store.close()


@pytest.mark.parametrize(("requests", "rolled_up"), [(MIN_BUCKET_REQUESTS - 1, 0), (MIN_BUCKET_REQUESTS, 1)])
def test_a_five_minute_bucket_of_few_requests_is_left_to_the_rows(requests: int, rolled_up: int) -> None:
    store = DuckStore.in_memory()
    put(store, [{"started_at": "2026-01-01 01:30:00"}] * requests)
    rollup_worker.rebuild_rollups(store)
    assert store.state("FROM requests_flow_5m").num_rows == rolled_up
    assert store.state("FROM rollup_skipped WHERE rollup = 'requests_flow_5m'").num_rows == 1 - rolled_up
    assert store.state("SELECT n FROM requests_flow_1h").to_pylist() == [{"n": requests}]
    store.close()


def test_a_roll_up_that_takes_for_ever_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the collector ends by its deadline, after 28 s, and stores nothing of what it accepted before."""
    monkeypatch.setattr(rollup_worker, "POLL_INTERVAL_S", 0.01)
    store = DuckStore.in_memory()
    put(store, [{"started_at": "2026-01-01 01:30:00"}])
    rollup_worker.install_rollups(store)
    make_slow(store)
    worker = rollup_worker.RollupWorker(store)
    worker.start()
    until(store._beside_lock.locked)
    began = perf_counter()
    worker.stop()
    assert perf_counter() - began < 10
    assert marks(store) == 2
    store.close()
