"""The monotone map from a score to a probability: pool adjacent violators, whole runs of them at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controlsurface.arrays import Floats

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IsotonicMap:
    """A step from each score in `x` (ascending) to the probability in `y`; between two scores the line between them."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities; scores outside the fitted range get those of its ends."""
        return np.interp(scores, self.x, self.y)


def fit_isotonic(scores: Floats, correct: Floats, weights: Floats) -> IsotonicMap:
    """The non-decreasing map nearest to the outcomes in weighted squares (Ayer et al. 1955). Needs one row."""
    x, place = np.unique(scores, return_inverse=True)
    weight = np.bincount(place, weights).astype(np.float64)
    value, size = pool_adjacent_violators(np.bincount(place, weights * correct) / weight, weight)
    ends = np.cumsum(size) - 1
    starts = ends - size + 1
    kept = np.unique(np.concatenate([starts, ends]))
    return IsotonicMap(tuple(x[kept].tolist()), tuple(np.repeat(value, size)[kept].tolist()))


def pool_adjacent_violators(values: Floats, weights: Floats) -> tuple[Floats, Counts]:
    """The isotonic blocks of a sequence: their values, and how many entries each holds."""
    size = np.ones(len(values), dtype=np.int64)
    while True:
        starts = np.flatnonzero(np.concatenate([[True], values[1:] > values[:-1]]))
        if len(starts) == len(values):
            return values, size
        total = np.add.reduceat(values * weights, starts)
        weights = np.add.reduceat(weights, starts)
        size = np.add.reduceat(size, starts)
        values = total / weights
