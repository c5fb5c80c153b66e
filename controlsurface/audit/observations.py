"""What was logged of one slice of traffic, as columns: which lane answered, what it gave, what its shadow gave."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controlsurface.arrays import Flags, Floats

# A run of requests without a shadow is a hole when chance would leave one so long once in e^7 = 1,097 times.
HOLE_NEG_LOG_PROBABILITY = 7.0


@dataclass(frozen=True, slots=True)
class ObservedOutcome:
    """One figure of both answers; NaN where it is unknown.

    `given`: of the production answer, known with probability `g`; `shadow`: of the other lane's, known with `e`.
    """

    given: Floats
    g: Floats
    shadow: Floats
    e: Floats


@dataclass(frozen=True, slots=True)
class Observations:
    """Requests in order of their confidence; `large`: the large lane answered; `weight`: requests each stands for."""

    confidence: Floats
    large: Flags
    weight: Floats
    outcomes: Mapping[str, ObservedOutcome]


def sort_observations(
    confidence: Floats, large: Flags, weight: Floats, outcomes: Mapping[str, ObservedOutcome]
) -> Observations:
    """The columns, sorted; rows of equal confidence in an order that nothing else depends on."""
    order = np.lexsort((np.random.default_rng(0).random(len(confidence)), confidence))
    sides = {
        name: ObservedOutcome(each.given[order], each.g[order], each.shadow[order], each.e[order])
        for name, each in outcomes.items()
    }
    return Observations(confidence[order], large[order], weight[order], sides)


def unsupported_rows(observed: Floats, probability: Floats, asked: Flags) -> Flags:
    """Which of the rows `asked` lie in a hole: a run of them where nothing is observed and chance is no excuse.

    Rows are in order of confidence. In a run of k rows between two observed ones, k times the lower of their
    probabilities were to be expected; where that is more than HOLE, the region was not sampled.
    """
    rows = np.flatnonzero(asked)
    seen = np.isfinite(observed[rows])
    if not seen.any():
        return asked.copy()
    at = np.flatnonzero(seen)
    run = np.searchsorted(at, np.arange(len(rows)), "right")  # how many observed rows stand at or before
    length = np.append(at, len(rows)) - np.insert(at + 1, 0, 0)
    chance = np.nan_to_num(probability[rows][at], nan=1.0)
    around = np.minimum(np.append(chance, np.inf), np.insert(chance, 0, np.inf))
    hole = ((length * around > HOLE_NEG_LOG_PROBABILITY)[run]) & ~seen
    found = np.zeros(len(asked), dtype=bool)
    found[rows[hole]] = True
    return found
