"""Drift rules over a store: learnt, watched, restarted, accepted, tried on the past."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from controlsurface.alerting.detectors.drift.drift_engine import DriftEngine, replay_drift_rule
from controlsurface.alerting.detectors.drift.rebaseline import AcceptBaseline, BaselineAcceptance
from controlsurface.alerting.model import RuleReading
from controlsurface.client.local_client import LocalClient
from controlsurface.errors import BadRequest, NotFound
from controlsurface.store.duckdb import DuckStore
from tests.alerting.detectors.drift_traffic import BUCKET, datetime_of_day, drift_rule, escalations, insert_requests

STEADY, DRIFTED, YOUNG = "chat", "rag_answer", "contract_review"
ONSET = 30.0


@pytest.fixture
def store() -> Iterator[DuckStore]:
    """Thirty-two days: one task whose rate goes from 10 to 20 %, one that stays, one that is new."""
    found = DuckStore.in_memory()
    escalations(found, STEADY, (0, 32), 0.1, 5_000)
    escalations(found, DRIFTED, (0, ONSET), 0.1, 5_000)
    escalations(found, DRIFTED, (ONSET, 32), 0.2, 5_000)
    escalations(found, YOUNG, (30, 32), 0.5, 5_000)
    yield found
    found.close()


@pytest.fixture
def empty() -> Iterator[DuckStore]:
    found = DuckStore.in_memory()
    yield found
    found.close()


def read(engine: DriftEngine, now: datetime, **more: Any) -> dict[str, RuleReading]:
    """The readings of the one rule, by task."""
    return {
        str(each.slice["task_type"]): each for each in engine.readings([drift_rule(**more)], now)["EscalationDrift"]
    }


def accept_slice(store: DuckStore, wanted: dict[str, str | None]) -> None:
    order = AcceptBaseline("EscalationDrift", BaselineAcceptance(slice=wanted, who="ann", why="as planned"))
    LocalClient(store).execute(order)


def test_the_drifted_slice_is_in_breach_and_says_why(store: DuckStore) -> None:
    found = read(DriftEngine(store), datetime_of_day(31))
    assert {task: each.breach for task, each in found.items()} == {STEADY: False, DRIFTED: True, YOUNG: None}
    drift = found[DRIFTED]
    assert drift.onset is not None
    assert abs(drift.onset - datetime_of_day(ONSET)) < timedelta(hours=3)
    assert [drift.before, drift.value] == pytest.approx([0.1, 0.2], rel=0.1)
    assert drift.low is not None
    assert drift.threshold is not None
    assert drift.threshold < drift.low
    assert drift.evidence["score"] > drift.evidence["score_threshold"]
    assert drift.evidence["direction"] == "up"
    assert drift.evidence["expected_false_alarms_per_week"] == pytest.approx(1)


def test_a_slice_without_a_baseline_says_so(store: DuckStore) -> None:
    assert read(DriftEngine(store), datetime_of_day(31))[YOUNG].evidence["note"].startswith("no baseline yet: seen for")


def test_an_empty_store_has_no_readings(empty: DuckStore) -> None:
    assert DriftEngine(empty).readings([drift_rule()], datetime_of_day(31)) == {"EscalationDrift": []}


def test_drift_readings_with_restarts_equal_those_of_a_replay(store: DuckStore) -> None:
    engine = DriftEngine(store)
    for step in range(12):
        if step % 5 == 0:
            engine = DriftEngine(store)
        lived = read(engine, datetime_of_day(30) + step * timedelta(minutes=65))
    assert lived[DRIFTED].breach
    assert lived == read(DriftEngine(store), datetime_of_day(30) + 11 * timedelta(minutes=65))


def test_the_drift_engine_reads_nothing_again_between_two_buckets(store: DuckStore) -> None:
    engine = DriftEngine(store)
    first = engine.readings([drift_rule()], datetime_of_day(31) + timedelta(minutes=3))
    again = engine.readings([drift_rule()], datetime_of_day(31) + timedelta(minutes=4))
    assert again["EscalationDrift"] is first["EscalationDrift"]


def test_requests_that_are_two_hours_late_count_towards_a_drift(store: DuckStore) -> None:
    engine = DriftEngine(store)
    before = read(engine, datetime_of_day(31) + BUCKET)[STEADY]
    buckets = int((datetime_of_day(31) - timedelta(hours=2)).timestamp() * 1e6) + 300_000_000 * np.arange(24)
    insert_requests(store, buckets, np.full(24, 20.0), STEADY, escalated=True)
    after = read(engine, datetime_of_day(31) + 2 * BUCKET)[STEADY]
    assert (before.breach, after.breach) == (False, True)


def test_an_accepted_slice_is_its_own_baseline_from_then_on(store: DuckStore) -> None:
    engine = DriftEngine(store)
    assert read(engine, datetime_of_day(31))[DRIFTED].breach
    accept_slice(store, {"task_type": DRIFTED})
    accepted = read(engine, datetime_of_day(31) + BUCKET)[DRIFTED]
    assert not accepted.breach
    assert accepted.before == pytest.approx(0.2, rel=0.15)
    assert accepted.evidence["accepted_at"].startswith("20")
    assert not read(DriftEngine(store), datetime_of_day(32))[DRIFTED].breach


def test_only_a_slice_that_is_watched_can_be_accepted(store: DuckStore) -> None:
    with pytest.raises(NotFound, match="no drift rule"):
        accept_slice(store, {})
    read(DriftEngine(store), datetime_of_day(31))
    with pytest.raises(NotFound, match="watches no slice"):
        accept_slice(store, {"task_type": "ghost"})
    with pytest.raises(BadRequest, match="did you mean 'task_type'"):
        accept_slice(store, {"task_typ": STEADY})


def test_an_accepted_slice_gets_a_new_baseline_after_seven_days(store: DuckStore) -> None:
    escalations(store, DRIFTED, (32, 40), 0.2, 5_000)
    engine = DriftEngine(store)
    read(engine, datetime_of_day(31))
    accept_slice(store, {})
    read(engine, datetime_of_day(31.5))
    found = read(engine, datetime_of_day(39.5))[DRIFTED]
    assert not found.breach
    assert found.evidence["baseline_to"] == datetime_of_day(39).isoformat()


def test_a_new_slice_gets_a_baseline_after_seven_days_and_one_without_requests_is_forgotten(store: DuckStore) -> None:
    escalations(store, YOUNG, (32, 41), 0.5, 5_000)
    engine = DriftEngine(store)
    read(engine, datetime_of_day(31))
    found = read(engine, datetime_of_day(40.5))
    assert found[YOUNG].breach is False
    assert set(found) == {YOUNG}


def test_a_rare_slice_gets_a_baseline_when_it_is_seen_daily(empty: DuckStore) -> None:
    for number in range(0, 36, 6):
        escalations(empty, "audit", (number, number + 1), 0.1, 1_000)
    escalations(empty, "audit", (36, 44), 0.1, 1_000)
    engine = DriftEngine(empty)
    assert read(engine, datetime_of_day(35))["audit"].breach is None
    found = read(engine, datetime_of_day(43.5))["audit"]
    assert found.breach is False
    assert found.evidence["baseline_from"] > datetime_of_day(10).isoformat()


def test_a_drift_is_found_sooner_after_a_known_event(empty: DuckStore) -> None:
    escalations(empty, "batch", (0, 30), 0.1, 2_000)
    escalations(empty, "batch", (30, 32), 0.2, 2_000)
    plain = _found(empty)
    with empty.writing() as writing:
        writing.execute("DELETE FROM drift_learnt")
        writing.execute(
            "INSERT INTO events VALUES ($at, 'deploy', 'v2', NULL, 'ci')",
            {"at": datetime_of_day(30).replace(tzinfo=None)},
        )
    assert _found(empty) < plain


def _found(store: DuckStore) -> datetime:
    """When a drift is found in an install that allows few false alerts."""
    moments = (datetime_of_day(30) + hour * timedelta(hours=1) for hour in range(1, 40))
    engine = DriftEngine(store, false_alerts_per_week=0.004)
    return next(now for now in moments if read(engine, now)["batch"].breach)


def test_a_backtest_says_when_the_rule_would_have_fired(store: DuckStore) -> None:
    steps = list(replay_drift_rule(store, drift_rule(), datetime_of_day(29), datetime_of_day(32)))
    assert [at for at, _ in steps] == sorted(at for at, _ in steps)
    fired = [at for at, found in steps if any(each.breach and each.slice["task_type"] == DRIFTED for each in found)]
    assert datetime_of_day(30) < fired[0] < datetime_of_day(30.5)
    assert fired[-1] == datetime_of_day(32)


def test_a_rule_that_changed_starts_anew(store: DuckStore) -> None:
    read(DriftEngine(store), datetime_of_day(31))
    found = DriftEngine(store).readings([drift_rule(drift={"tolerance": 3})], datetime_of_day(31))["EscalationDrift"]
    assert {each.slice["task_type"]: each.breach for each in found} == {STEADY: False, DRIFTED: False, YOUNG: None}
