"""Drift rules on a machine whose clock was believed to be days ahead and then went back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from controlsurface.alerting.detectors.drift.drift_engine import DriftEngine
from controlsurface.store.duckdb import DuckStore
from tests.alerting.detectors.drift_traffic import datetime_of_day, drift_rule, escalations

TASK = "chat"


@pytest.fixture
def store() -> Iterator[DuckStore]:
    """Thirty days at 10 %, and what comes then at 30 %."""
    found = DuckStore.in_memory()
    escalations(found, TASK, (0, 30), 0.1, 5_000)
    yield found
    found.close()


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("ahead", [2, 20, 60, 3650])
def test_a_drift_is_found_though_the_clock_had_gone_days_or_years_ahead_and_back(
    store: DuckStore, ahead: int, restarts: bool
) -> None:
    # apscheduler 526: ten years ahead, and all that was missed is gone through one by one.
    engine = DriftEngine(store)
    engine.readings([drift_rule()], datetime_of_day(30))
    engine.readings([drift_rule()], datetime_of_day(30 + ahead) + timedelta(hours=1))
    engine = DriftEngine(store) if restarts else engine
    engine.readings([drift_rule()], datetime_of_day(30) + timedelta(minutes=20))
    escalations(store, TASK, (30, 31), 0.3, 5_000)
    (found,) = engine.readings([drift_rule()], datetime_of_day(31))["EscalationDrift"]
    assert found.breach
    assert found.onset is not None
    assert abs(found.onset - datetime_of_day(30)) < timedelta(hours=3)
