"""Is the fast lane fast? What separates two lanes, from their latency histograms."""

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
