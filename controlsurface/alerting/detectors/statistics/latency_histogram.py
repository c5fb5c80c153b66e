"""What latency histograms tell of lanes: what separates two of them, and a second mode hidden inside one."""

from dataclasses import dataclass

import numpy as np

from controlsurface.arrays import Floats

MIN_FASTER_SHARE, MIN_MEDIAN_RATIO, MAX_BEYOND_SHARE = 0.90, 2.0, 0.05


@dataclass(frozen=True, slots=True)
class LatencyHistogram:
    """Counts `n` in bins from `lower` to `upper`, in rising order."""

    lower: Floats
    upper: Floats
    n: Floats

    @property
    def total(self) -> float:
        """How many."""
        return float(self.n.sum())

    @property
    def edges(self) -> list[tuple[float, float]]:
        """From where to where each bin reaches."""
        return list(zip(self.lower.tolist(), self.upper.tolist(), strict=True))

    def quantile(self, q: float) -> float:
        """Where a share `q` lies below, spread evenly within the bin."""
        until = self.n.cumsum()
        place = min(int(np.searchsorted(until, q * self.total)), len(self.n) - 1)
        into = (q * self.total - (until[place] - self.n[place])) / max(self.n[place], 1e-12)
        return float(self.lower[place] + into * (self.upper[place] - self.lower[place]))

    def upper_edge(self, q: float) -> float:
        """Where the bin ends that a share `q` reaches into: no bin is cut by it."""
        place = int(np.searchsorted(self.n.cumsum(), q * self.total))
        return float(self.upper[min(place, len(self.n) - 1)])

    def above(self, bound: float) -> float:
        """The share above a bound."""
        width = self.upper - self.lower
        part = np.where(width > 0, (self.upper - bound) / np.where(width > 0, width, 1), self.upper > bound)
        return float((self.n * np.clip(part, 0, 1)).sum() / self.total)


@dataclass(frozen=True, slots=True)
class LaneSeparation:
    """How two lanes differ in latency.

    `faster`: how likely a fast request beats a slow one. `times`: how many fast medians the slow median is. `beyond`:
    the share of fast requests slower than the slow median. `problems`: which of the three are bad, in words.
    """

    faster: float
    times: float
    beyond: float
    problems: tuple[str, ...]


def compare_lanes(fast: LatencyHistogram, slow: LatencyHistogram) -> LaneSeparation:
    """Compare two lanes; both need requests."""
    faster, times = _probability_faster(fast, slow), slow.quantile(0.5) / max(fast.quantile(0.5), 1e-9)
    beyond = fast.above(slow.quantile(0.5))
    bad = {
        f"a fast request beats a slow one in {faster:.0%} of pairs, not in {MIN_FASTER_SHARE:.0%}": faster
        < MIN_FASTER_SHARE,
        f"the slow median is {times:.3g} times the fast one, not {MIN_MEDIAN_RATIO:g}": times < MIN_MEDIAN_RATIO,
        f"{beyond:.1%} of fast requests are slower than the slow median, over {MAX_BEYOND_SHARE:.0%}": beyond
        > MAX_BEYOND_SHARE,
    }
    return LaneSeparation(faster, times, beyond, tuple(text for text, is_bad in bad.items() if is_bad))


def _probability_faster(fast: LatencyHistogram, slow: LatencyHistogram) -> float:
    """P(fast < slow), equal bins half."""
    below = np.concatenate([[0.0], slow.n.cumsum()])
    not_above = below[np.searchsorted(slow.lower, fast.lower, side="right")]
    under = below[np.searchsorted(slow.lower, fast.lower, side="left")]
    slower = slow.total - (under + not_above) / 2
    return float((fast.n * slower).sum() / (fast.total * slow.total))


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
    weight, mean, spread, likelihood = _fit_two_normals(x, n, narrowest)
    gain = 2 * (likelihood - _single_normal_likelihood(x, n, narrowest)) - 3 * float(np.log(n.sum()))
    order = np.argsort(mean)
    ashman = float(np.sqrt(2) * abs(mean[1] - mean[0]) / np.hypot(*spread))
    low, high = np.exp(mean[order])
    return LatencyModes(float(low), float(high), float(weight.min()), gain, ashman, _valley_ratio(weight, mean, spread))


def _density(x: Floats, weight: Floats, mean: Floats, spread: Floats) -> Floats:
    """The weighted densities of normals, ... x bins."""
    z = (x - mean[..., None]) / spread[..., None]
    return np.asarray(weight[..., None] * np.exp(-z * z / 2) / (spread[..., None] * np.sqrt(2 * np.pi)))


def _fit_two_normals(x: Floats, n: Floats, narrowest: float) -> tuple[Floats, Floats, Floats, float]:
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
    weight, mean, spread = _weighted_moments(x, n, np.ones((1, len(x))), narrowest)
    return float((n * np.log(np.maximum(_density(x, weight, mean, spread)[0], 1e-300))).sum())


def _valley_ratio(weight: Floats, mean: Floats, spread: Floats) -> float:
    """The least density between the means by the lower of both peaks; 1 where there is no valley."""
    grid = np.linspace(mean.min(), mean.max(), 400)
    density = _density(grid, weight, mean, spread).sum(axis=0)
    lowest = int(density.argmin())
    return float(density[lowest] / max(min(density[: lowest + 1].max(), density[lowest:].max()), 1e-300))
