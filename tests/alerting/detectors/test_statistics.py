"""Expected delays, distances of distributions, lanes and their modes: figures from counts."""

import numpy as np
import pytest

from controlsurface.alerting.detectors.statistics.cusum import score_threshold
from controlsurface.alerting.detectors.statistics.detection_power import requests_needed
from controlsurface.alerting.detectors.statistics.latency_histogram import (
    LatencyHistogram,
    compare_lanes,
    fit_latency_modes,
)
from controlsurface.arrays import Floats
from controlsurface.metrics.statistics import effect_sizes_of

RANDOM = np.random.default_rng(11)


def histogram(values: Floats) -> LatencyHistogram:
    """Bins that grow by 5 %, as the store has them."""
    bins, n = np.unique(np.floor(np.log(values) / np.log(1.05)), return_counts=True)
    return LatencyHistogram(1.05**bins, 1.05 ** (bins + 1), n.astype(float))


def around(median: float, spread: float, n: int) -> Floats:
    return median * np.exp(spread * RANDOM.standard_normal(n))


FAST, SLOW = histogram(around(300, 0.4, 9_700)), histogram(around(4_000, 0.4, 2_000))


def test_detection_hours_of_a_small_slice_are_long() -> None:
    needed = requests_needed(0.02, 2, score_threshold(250))
    assert needed / 300 > 7  # days
    assert needed / 30_000 < 0.125  # three hours


def test_a_drift_inside_the_band_is_never_expected_to_be_found() -> None:
    assert requests_needed(0.1, 1.1, 13) == np.inf


def test_detection_hours_of_a_fall_use_the_lower_edge() -> None:
    assert requests_needed(0.5, 0.5, 13) == pytest.approx(requests_needed(0.5, 2, 13))


def test_equal_distributions_are_no_distance_apart() -> None:
    found = effect_sizes_of([0, 1, 2], [1, 2, 3], [5, 10, 5], [50, 100, 50])
    assert [found.js, found.w1] == pytest.approx([0, 0])
    assert found.psi < 0.01


def test_a_shift_by_one_bin_is_an_earth_movers_distance_of_one() -> None:
    found = effect_sizes_of([0, 1, 2], [1, 2, 3], [10, 0, 0], [0, 10, 0])
    assert found.w1 == pytest.approx(1)
    assert found.js == pytest.approx(1)


def test_a_distance_to_an_empty_histogram_is_unknown() -> None:
    assert np.isnan(effect_sizes_of([0], [1], [0], [3]).psi)


def test_a_fast_lane_that_is_fast_has_no_problem() -> None:
    assert compare_lanes(FAST, SLOW).problems == ()


def test_two_lanes_of_one_speed_have_all_three_problems() -> None:
    found = compare_lanes(FAST, FAST)
    assert found.faster == pytest.approx(0.5)
    assert len(found.problems) == 3


def test_a_slow_tail_of_the_fast_lane_is_a_problem() -> None:
    tail = histogram(np.concatenate([around(300, 0.4, 900), around(9_000, 0.2, 80)]))
    assert [problem.split(" ")[1] for problem in compare_lanes(tail, SLOW).problems] == ["of"]


def test_medians_of_bins_are_within_their_width() -> None:
    assert SLOW.quantile(0.5) == pytest.approx(4_000, rel=0.04)


@pytest.mark.parametrize("small", [0.5, 0.1, 0.03, 0.01])
def test_two_lanes_in_one_histogram_are_two_modes(small: float) -> None:
    n = 20_000
    both = histogram(np.concatenate([around(300, 0.35, n), around(5_000, 0.35, int(n * small / (1 - small)))]))
    found = fit_latency_modes(both)
    assert found is not None
    assert found.two
    assert found.weight == pytest.approx(min(small, 1 - small), rel=0.1)
    assert [found.low, found.high] == pytest.approx([300, 5_000], rel=0.05)


@pytest.mark.parametrize(
    "values",
    [
        around(800, 0.6, 50_000),
        RANDOM.exponential(800, 50_000) + 1,
        RANDOM.gamma(3, 300, 20_000) + 1,
        around(9, 0.3, 250),
    ],
    ids=["lognormal", "exponential", "gamma", "few"],
)
def test_one_lane_has_one_mode_whatever_its_shape(values: Floats) -> None:
    found = fit_latency_modes(histogram(values))
    assert found is not None
    assert not found.two


def test_a_histogram_of_one_value_has_no_modes() -> None:
    assert fit_latency_modes(histogram(np.full(300, 5.0))) is None
