"""History that comes while the detector runs leads where it would have led had it been there before."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest

from controlsurface.alerting.detectors.drift.drift_engine import DriftEngine
from controlsurface.alerting.detectors.drift.warmup import HourlyHistory, has_backfill, is_still_filling
from controlsurface.alerting.detectors.statistics.count_baseline import HOUR_S
from controlsurface.alerting.model import RuleReading
from controlsurface.store.duckdb import DuckStore
from tests.alerting.detectors.drift_traffic import START_S, datetime_of_day, drift_rule, escalations, insert_requests
from tests.alerting.detectors.test_drift_engine import accept_slice

STEADY, DRIFTED = "chat", "rag_answer"
MINUTE = timedelta(minutes=1)
NOW = datetime_of_day(28.4) + 2 * MINUTE  # no bucket closes in the next minute
Piece = tuple[str, tuple[float, float], float]
OLD: tuple[Piece, ...] = ((STEADY, (0, 17), 0.1), (DRIFTED, (0, 17), 0.1))
NEW: tuple[Piece, ...] = ((STEADY, (17, 28.4), 0.1), (DRIFTED, (17, 27), 0.1), (DRIFTED, (27, 28.4), 0.2))


@pytest.fixture
def store() -> Iterator[DuckStore]:
    found = DuckStore.in_memory()
    yield found
    found.close()


def insert_late_history(store: DuckStore, *pieces: Piece) -> None:
    for task, days, rate in pieces:
        escalations(store, task, days, rate, 2_000)


def read(engine: DriftEngine, now: datetime) -> dict[str, RuleReading]:
    """The readings of the one rule, by task."""
    return {str(each.slice["task_type"]): each for each in engine.readings([drift_rule()], now)["EscalationDrift"]}


def readings_of_new_engine(store: DuckStore, now: datetime) -> dict[str, RuleReading]:
    """What a detector finds that knows nothing."""
    with store.writing() as writing:
        writing.execute("DELETE FROM drift_learnt")
    return read(DriftEngine(store), now)


@pytest.mark.parametrize(("order", "restarts"), [((0, 1, 2, 3, 4), False), ((4, 1, 3, 0, 2), True)])
def test_backfill_in_any_order_gives_the_readings_of_history_present_at_the_start(
    store: DuckStore, order: tuple[int, ...], restarts: bool
) -> None:
    engine, pieces = DriftEngine(store), OLD + NEW
    seen = [read(engine, NOW)]
    for minute in range(1, 9):
        insert_late_history(store, *(pieces[place] for place in order[minute - 1 : minute]))
        engine = DriftEngine(store) if restarts and minute < 6 else engine
        seen.append(read(engine, NOW + minute * MINUTE))
    assert not any(each.breach for found in seen[:6] for each in found.values())
    assert {task: each.breach for task, each in seen[-1].items()} == {STEADY: False, DRIFTED: True}
    assert seen[-1] == readings_of_new_engine(store, NOW + 8 * MINUTE)


def test_a_known_drift_goes_on_during_a_backfill(store: DuckStore) -> None:
    insert_late_history(store, *NEW)
    engine = DriftEngine(store)
    seen = [read(engine, NOW)[DRIFTED]]
    insert_late_history(store, *OLD)
    seen += [read(engine, NOW + minute * MINUTE)[DRIFTED] for minute in range(1, 5)]
    assert all(each.breach for each in seen)
    assert [each.onset for each in seen] == [seen[0].onset] * 5
    assert (seen[0].evidence["baseline_from"], seen[-1].evidence["baseline_from"]) == (
        datetime_of_day(17).isoformat(),
        datetime_of_day(0).isoformat(),
    )


def test_an_accepted_slice_stays_accepted_after_a_backfill(store: DuckStore) -> None:
    insert_late_history(store, *NEW)
    engine = DriftEngine(store)
    read(engine, NOW)
    accept_slice(store, {"task_type": DRIFTED})
    accepted = read(engine, NOW + MINUTE)
    insert_late_history(store, *OLD)
    *_, found = [read(engine, NOW + minute * MINUTE) for minute in range(2, 6)]
    assert found[STEADY].evidence["baseline_from"] < accepted[STEADY].evidence["baseline_from"]
    assert found[DRIFTED].breach is False
    told = [{**each[DRIFTED].evidence, "score": None} for each in (accepted, found)]
    assert told[0] == told[1]


def test_late_requests_do_not_retrain_the_baseline_at_every_evaluation(store: DuckStore) -> None:
    insert_late_history(store, *NEW)
    engine = DriftEngine(store)
    first = engine.readings([drift_rule()], NOW)["EscalationDrift"]
    at_us = (START_S + 86_400 * np.arange(17, 28)) * 1_000_000
    insert_requests(store, at_us, np.full(len(at_us), 20.0), STEADY, escalated=True)
    assert engine.readings([drift_rule()], NOW + MINUTE)["EscalationDrift"] is first


def history(*n: float, first: int = 0) -> HourlyHistory:
    """Hours with so many requests each."""
    return HourlyHistory(first * HOUR_S, np.array(n, dtype=np.float64), 0)


def test_a_backfill_is_hours_with_more_than_a_tenth_more_requests() -> None:
    assert has_backfill(history(0, 0, 0), history(0, 50, 60))
    assert has_backfill(history(100, 100, 100), history(100, 120, 100))
    assert not has_backfill(history(100, 100, 100), history(109, 109, 109))
    assert not has_backfill(history(100, 100, 100), history(0, 100, 0))
    assert not has_backfill(history(), history(100, 100, 100))


def test_added_hours_are_known_and_hours_that_grew_are_still_a_backfill() -> None:
    learnt = history(5, 100, 100).extended(history(109, 100, 50, first=1))
    assert learnt.n.tolist() == [100, 100, 50]
    assert not has_backfill(learnt, history(109, 100, 50, 40, first=1))
    assert has_backfill(learnt, history(118, 100, 50, first=1))


def test_a_backfill_goes_on_while_it_adds_more_than_one_request_in_a_thousand() -> None:
    assert is_still_filling(history(1_000, 1_000), history(1_000, 1_003))
    assert not is_still_filling(history(1_000, 1_000), history(1_000, 1_001))
