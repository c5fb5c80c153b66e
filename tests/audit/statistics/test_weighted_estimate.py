"""Intervals of simulated audits hold the truth as often as they say: 95 % of 1,000 runs, give or take 2."""

import numpy as np
import pytest

from controlsurface.arrays import Floats
from controlsurface.audit.statistics.weighted_estimate import (
    estimate_share,
    mean_from_moments,
    ppi_mean,
    share_from_moments,
    weighted_moments,
)

RUNS = 1000


def covered(low: Floats, high: Floats, truth: float) -> float:
    return float(np.mean((low <= truth) & (truth <= high)))


def test_a_rate_of_unequally_sampled_requests_is_covered() -> None:
    random = np.random.default_rng(1)
    hard = random.random((RUNS, 6000)) < 0.3
    differs = random.random(hard.shape) < np.where(hard, 0.35, 0.08)
    probability = np.where(hard, 0.25, 0.06)
    weights = (random.random(hard.shape) < probability) / probability
    y = differs.astype(float)
    columns = [weights > 0, weights, weights * y, weights**2, weights**2 * y, (weights * y) ** 2]
    _, low, high, _ = share_from_moments(np.stack([each.sum(axis=1) for each in columns]).astype(float))
    assert covered(low, high, 0.3 * 0.35 + 0.7 * 0.08) == pytest.approx(0.95, abs=0.02)


def test_intervals_of_labels_on_a_part_and_a_judge_on_all_are_covered_and_narrower() -> None:
    random = np.random.default_rng(2)
    found, alone = [], []
    for _ in range(RUNS):
        truth = (random.random(1500) < 0.3).astype(float)
        judged = np.where(random.random(1500) < 0.15, 1 - truth, truth)
        found.append(ppi_mean(truth[:200], judged[:200], judged[200:], np.ones(200), np.ones(1300)))
        alone.append(estimate_share(truth[:200], np.ones(200)))
    low, high = (np.array([getattr(each, end) for each in found]) for end in ("low", "high"))
    assert covered(low, high, 0.3) == pytest.approx(0.95, abs=0.02)
    assert (high - low).mean() < 0.85 * np.mean([each.high - each.low for each in alone if each.high and each.low])


def test_a_judge_alone_is_wrong_with_certainty() -> None:
    random = np.random.default_rng(3)
    truth = random.random((RUNS, 1500)) < 0.3
    judged = np.where(random.random(truth.shape) < 0.15, ~truth, truth)
    found = [estimate_share(row.astype(float), np.ones(1500)) for row in judged]
    assert covered(np.array([each.low for each in found]), np.array([each.high for each in found]), 0.3) == 0


def test_a_useless_judge_does_no_harm() -> None:
    random = np.random.default_rng(4)
    truth, judged = (random.random(300) < 0.4).astype(float), (random.random(5000) < 0.5).astype(float)
    found = ppi_mean(truth, judged[:300], judged[300:], np.ones(300), np.ones(4700))
    alone = estimate_share(truth, np.ones(300))
    widths = [(each.high or 0) - (each.low or 0) for each in (found, alone)]
    assert widths[0] == pytest.approx(widths[1], rel=0.03)


def test_equal_weights_are_wilsons_interval() -> None:
    found = estimate_share(np.array([1.0] * 3 + [0.0] * 7), np.full(10, 20.0))
    figures = [found.value, found.low, found.high, found.n, found.effective]
    assert figures == pytest.approx([0.3, 0.1077913, 0.6032219, 10, 10])


def test_the_effective_sample_size_of_a_share_is_at_most_its_rows() -> None:
    found = estimate_share(np.array([0.0, 0.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.1]))
    assert 3.1**2 / 3.01 <= found.effective < 4
    assert estimate_share(np.array([0.4, 0.5, 0.6, 0.5]), np.ones(4)).effective > 4


def test_an_estimate_of_no_rows_is_unknown_and_of_one_row_has_no_interval() -> None:
    nothing = estimate_share(np.array([]), np.array([]))
    assert (nothing.value, nothing.low, nothing.high, nothing.n) == (None, None, None, 0)
    one = mean_from_moments(weighted_moments(np.array([7.0]), np.ones(1)))
    assert one.tolist() == pytest.approx([7, np.nan, np.nan, 1], nan_ok=True)


def test_weighted_moments_of_two_halves_add_up_to_those_of_the_whole() -> None:
    values, weights = np.random.default_rng(6).random((2, 40))
    halves = weighted_moments(values[:15], weights[:15]) + weighted_moments(values[15:], weights[15:])
    assert halves == pytest.approx(weighted_moments(values, weights))
