"""What another threshold would do: intervals that hold the truth, refusal where nothing was shadowed."""

from dataclasses import replace

import numpy as np
import pytest

from controlsurface.arrays import Floats
from controlsurface.audit.diagnostics import confidence_ties, non_monotone_steps
from controlsurface.audit.threshold_sweep import (
    ObservedOutcome,
    ThresholdSweep,
    sort_observations,
    sweep_thresholds,
    unsupported_rows,
)
from tests.audit.simulated_routers import NOW, everyone, shadowed, truth, world

RUNS = 1000
GRID = np.array([0.4, 0.6, 0.75])


@pytest.fixture(scope="module")
def runs() -> list[ThresholdSweep]:
    made = (np.random.default_rng(each) for each in range(RUNS))
    return [sweep_thresholds(shadowed(random, world(random, 1500), graded=0.5)) for random in made]


@pytest.mark.parametrize("what", ["quality", "cost_usd"])
def test_intervals_hold_the_truth_as_often_as_they_say(what: str, runs: list[ThresholdSweep]) -> None:
    found = [each.figure(what, GRID, bounded=what == "quality") for each in runs]
    for i, threshold in enumerate(GRID):
        low, high = (np.array([getattr(each, end)[i] for each in found]) for end in ("low", "high"))
        told = np.isfinite(low)
        held = (low <= truth(threshold, what)) & (truth(threshold, what) <= high)
        assert told.mean() > 0.97
        assert held[told].mean() == pytest.approx(0.95, abs=0.02)


def test_escalation_is_known_without_any_shadow(runs: list[ThresholdSweep]) -> None:
    low, high = (np.array([each.escalation(GRID)[end] for each in runs]) for end in (1, 2))
    shares = np.array([np.mean(everyone().confidence < each) for each in GRID])
    assert ((low <= shares) & (shares <= high)).mean() == pytest.approx(0.95, abs=0.02)


def by_hand(rows: ObservedOutcome, confidence: Floats, large: np.ndarray, threshold: float) -> float:
    up = confidence < threshold
    stays = up == large
    y, chance = np.where(stays, rows.given, rows.shadow), np.where(stays, rows.g, rows.e)
    seen = np.isfinite(y)
    return float((y[seen] / chance[seen]).sum() / (1 / chance[seen]).sum())


def test_a_threshold_sweep_is_the_sum_over_all_rows() -> None:
    random = np.random.default_rng(3)
    rows = shadowed(random, world(random, 4000))
    found = sweep_thresholds(rows).figure("quality", GRID, bounded=True)
    direct = [by_hand(rows.outcomes["quality"], rows.confidence, rows.large, each) for each in GRID]
    assert found.value == pytest.approx(direct)


def test_quality_outside_the_shadowed_region_has_bounds_and_no_estimate() -> None:
    random = np.random.default_rng(4)
    rows = shadowed(random, world(random, 20_000))
    quality = rows.outcomes["quality"]
    near = np.abs(rows.confidence - NOW) < 0.1
    only_near = replace(quality, shadow=np.where(near, quality.shadow, np.nan))
    sums = sweep_thresholds(replace(rows, outcomes={"quality": only_near}))
    found = sums.figure("quality", np.array([0.2, 0.55, 0.6, 0.65, 0.9]), bounded=True)
    assert np.isfinite(found.value).tolist() == [False, True, True, True, False]
    for i, threshold in ((0, 0.2), (4, 0.9)):
        assert found.lowest[i] < truth(threshold) < found.highest[i]
        assert found.highest[i] - found.lowest[i] > 0.1
    assert found.unsupported[2] == 0


def test_quality_without_any_shadow_is_known_only_at_todays_threshold() -> None:
    random = np.random.default_rng(5)
    rows = shadowed(random, world(random, 2000), low=0, high=0)
    found = sweep_thresholds(rows).figure("quality", np.array([0.5, NOW, 0.7]), bounded=True)
    assert np.isfinite(found.value).tolist() == [False, True, False]
    cost = sweep_thresholds(rows).figure("cost_usd", np.array([0.5, NOW]), bounded=False)
    assert np.isnan(cost.value[0])
    assert np.isnan(cost.lowest).all()


def test_a_hole_is_a_run_that_chance_does_not_explain() -> None:
    observed = np.full(100, np.nan)
    observed[[0, 5, 10, 90]] = 1
    holes = unsupported_rows(observed, np.full(100, 0.2), np.ones(100, dtype=bool))
    assert np.flatnonzero(holes).tolist() == list(range(11, 90))


def test_thresholds_part_requests_as_the_router_does() -> None:
    outcome = ObservedOutcome(np.array([1.0, 0.0]), np.ones(2), np.full(2, np.nan), np.full(2, np.nan))
    sums = sweep_thresholds(
        sort_observations(np.array([0.5, 0.7]), np.array([False, False]), np.ones(2), {"quality": outcome})
    )
    assert sums.escalation(np.array([0.5, 0.50001, 0.7, 0.8]))[0].tolist() == [0, 0.5, 0.5, 1]


def test_confidence_ties_and_dips_are_listed() -> None:
    assert confidence_ties(np.array([0.5] * 30 + [0.1, 0.2]), np.ones(32))[0] == {"confidence": 0.5, "share": 30 / 32}
    confidence = np.linspace(0.05, 0.95, 10)
    small, large = np.ones(10), np.array([0.0] * 3 + [1.0] * 7)
    outcome = ObservedOutcome(small, np.ones(10), large, np.ones(10))
    sums = sweep_thresholds(sort_observations(confidence, np.zeros(10, dtype=bool), np.ones(10), {"quality": outcome}))
    (dip,) = non_monotone_steps(sums, np.array([0.0, 0.4, 1.0]))
    assert dip == {"from": 0.0, "to": 0.4, "quality": pytest.approx(-0.3)}
