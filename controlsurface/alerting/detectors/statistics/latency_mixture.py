"""A second mode hidden inside a lane: two normals fitted to the log of a histogram by expectation-maximisation.

The dip test and Sarle's coefficient are not used: both miss a split of 97 to 3.
"""

from dataclasses import dataclass

import numpy as np

from controlsurface.alerting.detectors.statistics.lane_separation import LatencyHistogram
from controlsurface.arrays import Floats

MIN_BIC_GAIN, MIN_ASHMAN_D, MIN_MODE_WEIGHT, MAX_VALLEY_RATIO = 10.0, 2.0, 0.005, 0.7
EM_STEPS = 300
START_SHARES = (0.03, 0.1, 0.5, 0.9, 0.97, 0.99)  # shares at which the first guess splits


@dataclass(frozen=True, slots=True)
class LatencyModes:
    """Two modes at `low` and `high` (in the histogram's unit), the share of the smaller one, and how clear they are."""

    low: float
    high: float
    weight: float
    bic_gain: float
    ashman: float
    valley: float

    @property
    def two(self) -> bool:
        """Whether there are two indeed."""
        clear = self.bic_gain > MIN_BIC_GAIN and self.ashman > MIN_ASHMAN_D
        return clear and self.weight >= MIN_MODE_WEIGHT and self.valley < MAX_VALLEY_RATIO


def fit_latency_modes(histogram: LatencyHistogram) -> LatencyModes | None:
    """The best two modes; None where fewer than three bins above zero are in use.

    The bins must be equally wide in their logarithm.
    """
    used = (histogram.lower > 0) & (histogram.n > 0)
    if used.sum() < 3:
        return None
    lower, upper, n = histogram.lower[used], histogram.upper[used], histogram.n[used]
    x = np.log(lower * upper) / 2
    narrowest = float(np.log(upper / lower).min()) / 2
    weight, mean, spread, likelihood = _fit(x, n, narrowest)
    gain = 2 * (likelihood - _single_normal_likelihood(x, n, narrowest)) - 3 * float(np.log(n.sum()))
    order = np.argsort(mean)
    ashman = float(np.sqrt(2) * abs(mean[1] - mean[0]) / np.hypot(*spread))
    low, high = np.exp(mean[order])
    return LatencyModes(float(low), float(high), float(weight.min()), gain, ashman, _valley_ratio(weight, mean, spread))


def _density(x: Floats, weight: Floats, mean: Floats, spread: Floats) -> Floats:
    """The weighted densities of normals, ... x bins."""
    z = (x - mean[..., None]) / spread[..., None]
    found: Floats = weight[..., None] * np.exp(-z * z / 2) / (spread[..., None] * np.sqrt(2 * np.pi))
    return found


def _fit(x: Floats, n: Floats, narrowest: float) -> tuple[Floats, Floats, Floats, float]:
    """Weights, means and spreads from the best of all first guesses, and the log-likelihood."""
    first = n.cumsum() <= np.maximum(np.array(START_SHARES)[:, None] * n.sum(), n[0])
    first[first.all(axis=1), -1] = False
    share = np.stack([first, ~first], axis=1).astype(np.float64)  # guesses x 2 x bins
    for _ in range(EM_STEPS):
        weight, mean, spread = _weighted_moments(x, n, share, narrowest)
        both = _density(x, weight, mean, spread)
        before, share = share, both / np.maximum(both.sum(axis=1, keepdims=True), 1e-300)
        if np.abs(share - before).max() < 1e-6:
            break
    likelihood = np.log(np.maximum(both.sum(axis=1), 1e-300)) @ n
    best = int(likelihood.argmax())
    return weight[best], mean[best], spread[best], float(likelihood[best])


def _weighted_moments(x: Floats, n: Floats, share: Floats, narrowest: float) -> tuple[Floats, Floats, Floats]:
    """Weights, means and spreads of parts of the counts."""
    mine = share * n
    total = np.maximum(mine.sum(axis=-1), 1e-9)
    mean = mine @ x / total
    variance = (mine * (x - mean[..., None]) ** 2).sum(axis=-1) / total
    return total / n.sum(), mean, np.maximum(np.sqrt(variance), narrowest)


def _single_normal_likelihood(x: Floats, n: Floats, narrowest: float) -> float:
    """The log-likelihood of one normal."""
    weight, mean, spread = _weighted_moments(x, n, np.ones((1, len(x))), narrowest)
    return float((n * np.log(np.maximum(_density(x, weight, mean, spread)[0], 1e-300))).sum())


def _valley_ratio(weight: Floats, mean: Floats, spread: Floats) -> float:
    """The least density between the means by the lower of both peaks; 1 where there is no valley."""
    grid = np.linspace(mean.min(), mean.max(), 400)
    density = _density(grid, weight, mean, spread).sum(axis=0)
    lowest = int(density.argmin())
    return float(density[lowest] / max(min(density[: lowest + 1].max(), density[lowest:].max()), 1e-300))
