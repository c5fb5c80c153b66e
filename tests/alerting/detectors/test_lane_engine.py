"""Lane rules over a store: separation and hidden modes, from histograms."""

from collections.abc import Iterator

import numpy as np
import pytest

from controlsurface.alerting.detectors.lane_engine import LaneEngine
from controlsurface.alerting.model import RuleReading
from controlsurface.alerting.rules.rule_models import LaneRule
from controlsurface.arrays import Floats
from controlsurface.store.duckdb import DuckStore
from tests.alerting.detectors.drift_traffic import datetime_of_day, insert_latencies

RANDOM = np.random.default_rng(8)


def around(median_ms: float, n: int) -> Floats:
    return median_ms * np.exp(0.35 * RANDOM.standard_normal(n))


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    """Two tasks: of one the small lane is fast, of the other some of it waits for a cold start."""
    found = DuckStore.in_memory()
    insert_latencies(found, "chat", "small", around(300, 900))
    insert_latencies(found, "chat", "large", around(4_000, 300))
    insert_latencies(found, "extraction", "small", np.concatenate([around(300, 800), around(9_000, 80)]))
    insert_latencies(found, "extraction", "large", around(4_000, 300))
    insert_latencies(found, "rare", "small", around(300, 20))
    insert_latencies(found, "rare", "large", around(300, 300))
    yield found
    found.close()


def look(store: DuckStore, check: str) -> dict[tuple[str | None, ...], RuleReading]:
    rule = LaneRule.model_validate({"alert": "Lanes", "by": ["task_type"], "lanes": {"check": check}})
    return {
        tuple(each.slice.values()): each for each in LaneEngine(store).readings([rule], datetime_of_day(1))["Lanes"]
    }


def test_a_fast_lane_with_a_slow_tail_is_in_breach(store: DuckStore) -> None:
    found = look(store, "separation")
    assert {key: each.breach for key, each in found.items()} == {
        ("chat",): False,
        ("extraction",): True,
        ("rare",): None,
    }
    assert len(found["extraction",].evidence["problems"]) == 1


def test_a_hidden_mode_of_a_lane_is_reported_with_its_place(store: DuckStore) -> None:
    found = look(store, "hidden_mode")
    assert [key for key, each in found.items() if each.breach] == [("extraction", "small")]
    assert found["extraction", "small"].evidence["modes_ms"] == pytest.approx([300, 9_000], rel=0.1)
    assert found["rare", "small"].breach is None


def test_a_lane_is_evaluated_again_when_a_bucket_has_closed(store: DuckStore) -> None:
    rule = LaneRule.model_validate({"alert": "Lanes", "lanes": {}})
    engine = LaneEngine(store)
    first, again, later = (
        engine.readings([rule], datetime_of_day(1 + minutes / 1440))["Lanes"] for minutes in (3, 4, 8)
    )
    assert first is again
    assert first is not later
