"""Distances of distributions, lanes and their modes against SciPy's and scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import mannwhitneyu, wasserstein_distance
from sklearn.mixture import GaussianMixture

from controlsurface.alerting.detectors.statistics.latency_histogram import (
    LatencyHistogram,
    compare_lanes,
    fit_latency_modes,
)
from controlsurface.arrays import Floats
from controlsurface.metrics.statistics import effect_sizes_of

COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40)
STEP = np.log(1.05)  # bins grow by 5 %, as the store has them


def histogram(places: Floats) -> LatencyHistogram:
    """Of logarithms."""
    bins, n = np.unique(np.floor(places / STEP), return_counts=True)
    return LatencyHistogram(np.exp(bins * STEP), np.exp((bins + 1) * STEP), n.astype(float))


def binned(places: Floats) -> Floats:
    """The middles of the bins that the logarithms lie in."""
    return np.asarray((np.floor(places / STEP) + 0.5) * STEP)


@given(COUNTS, st.integers(0, 2**32 - 1))
def test_distances_of_counts_are_scipys_in_any_order_of_bins(rows: list[tuple[int, int]], seed: int) -> None:
    before, after = np.array(rows, dtype=float).T
    lower = np.random.default_rng(seed).permutation(len(rows)).astype(float)
    found = effect_sizes_of(lower.tolist(), (lower + 1).tolist(), before.tolist(), after.tolist())
    if not before.any() or not after.any():
        assert np.isnan([found.js, found.w1]).all()
    else:
        assert found.w1 == pytest.approx(wasserstein_distance(lower, lower, before, after), abs=1e-9)
        assert found.js == pytest.approx(jensenshannon(before, after, base=2) ** 2, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(-1, 1), st.floats(0.1, 1), st.integers(5, 400))
def test_the_share_of_faster_answers_is_mann_whitneys_u(seed: int, apart: float, spread: float, n: int) -> None:
    random = np.random.default_rng(seed)
    fast, slow = random.normal(6, 0.4, n), random.normal(6 + apart, spread, 300)
    u = mannwhitneyu(binned(slow), binned(fast)).statistic
    assert compare_lanes(histogram(fast), histogram(slow)).faster == pytest.approx(u / n / 300)


@pytest.mark.parametrize("apart", [0.3, 1.0, 1.5, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_two_modes_are_as_likely_as_a_gaussian_mixture_finds_them(seed: int, apart: float) -> None:
    random = np.random.default_rng(seed)
    share, spread = random.uniform(0.05, 0.95), random.uniform(0.2, 0.6)
    places = np.where(random.random(3000) < share, random.normal(6, 0.4, 3000), random.normal(6 + apart, spread, 3000))
    found, x = fit_latency_modes(histogram(places)), binned(places)[:, None]
    one, two = (GaussianMixture(k, random_state=0, max_iter=300, tol=1e-5).fit(x) for k in (1, 2))
    gain = one.bic(x) - two.bic(x)
    assert found is not None
    assert found.bic_gain > gain - 0.1
    if apart >= 2:
        assert found.bic_gain == pytest.approx(gain, abs=0.1)
        assert found.weight == pytest.approx(two.weights_.min(), abs=0.002)
        assert np.log([found.low, found.high]) == pytest.approx(np.sort(two.means_.ravel()), abs=0.01)
