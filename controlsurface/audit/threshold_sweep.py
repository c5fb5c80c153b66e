"""What another threshold would do: escalation, quality, cost and latency at any threshold, or why nobody can say."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.audit.statistics.weighted_estimate import mean_from_moments, share_from_moments
from controlsurface.metrics.statistics import wilson_interval

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


MAX_KNOTS = 20_000  # thresholds between which no request lies, or too few to matter
MIN_SHADOWS = 10  # of requests that would move, unless all of these have one; with fewer, intervals are too narrow
MAX_UNSUPPORTED_SHARE = 0.02  # of the requests; above it there is no figure, only bounds


@dataclass(frozen=True, slots=True)
class SweepEstimates:
    """One outcome at each threshold: NaN where there is no evidence.

    `lowest` and `highest` hold whatever the unseen rows are; they exist for shares only, money and time have none.
    """

    value: Floats
    low: Floats
    high: Floats
    n: Floats
    unsupported: Floats
    lowest: Floats
    highest: Floats


@dataclass(frozen=True, slots=True)
class SweepSums:
    """Of one outcome, by knot: the moments of rows if they go large, if they stay small, and what is not supported."""

    below: Floats  # (10, knots + 1): six moments and the columns of `_row_moments`, of rows below each knot
    above: Floats  # the same, of rows at or above it


@dataclass(frozen=True, slots=True)
class ThresholdSweep:
    """All that is needed to answer for any threshold."""

    knots: Floats
    requests: Floats  # weight, squared weight and rows below each knot: (3, knots + 1)
    sums: Mapping[str, SweepSums]

    def place(self, thresholds: Floats) -> Ints:
        """The first knot at or above each threshold."""
        return np.searchsorted(self.knots, thresholds, "left")

    def escalation(self, thresholds: Floats) -> Floats:
        """Share of requests below each threshold, with Wilson's interval: value, low, high."""
        below = self.requests[:, self.place(thresholds)]
        total = self.requests[:, -1]
        value = below[0] / total[0]
        return np.stack([value, *wilson_interval(value, np.full_like(value, total[0] ** 2 / total[1]))])

    def figure(self, name: str, thresholds: Floats, *, bounded: bool) -> SweepEstimates:
        """One outcome at each threshold; `bounded`: its values lie between 0 and 1."""
        at, sums = self.place(thresholds), self.sums[name]
        both = sums.below[:, at] + sums.above[:, at]
        value, low, high, _ = (share_from_moments if bounded else mean_from_moments)(both[:6])
        unseen = _unseen(both) / self.requests[0, -1]
        seen = np.where(both[0] > 0, 1 - unseen, 0.0)
        none = (unseen > MAX_UNSUPPORTED_SHARE) | (both[0] == 0)
        known = seen > 0
        lowest = np.where(known, np.nan_to_num(low) * seen, 0.0) if bounded else np.full_like(value, np.nan)
        highest = np.where(known, np.nan_to_num(high) * seen + 1 - seen, 1.0) if bounded else lowest
        value, low, high = (np.where(none, np.nan, each) for each in (value, low, high))
        return SweepEstimates(value, low, high, both[0], np.where(both[0] > 0, unseen, 1.0), lowest, highest)


def sweep_thresholds(rows: Observations) -> ThresholdSweep:
    """The sums over `rows`, which are in order of confidence; at least one row."""
    knots = np.unique(rows.confidence)
    if len(knots) > MAX_KNOTS:
        knots = np.unique(np.quantile(knots, np.linspace(0, 1, MAX_KNOTS), method="inverted_cdf"))
    cell = np.searchsorted(knots, rows.confidence, "left")
    ones = np.ones_like(rows.weight)
    requests = _sums_below(np.stack([rows.weight, rows.weight**2, ones]), cell, len(knots))
    sums = {name: _sums(rows, each, cell, len(knots)) for name, each in rows.outcomes.items()}
    return ThresholdSweep(knots, requests, sums)


def _sums(rows: Observations, outcome: ObservedOutcome, cell: Ints, knots: int) -> SweepSums:
    """The sums of one outcome: rows below a knot would be answered by the large lane, the others by the small one."""
    up = _row_moments(rows, outcome, rows.large)
    down = _row_moments(rows, outcome, ~rows.large)
    above = _sums_below(down, cell, knots)
    return SweepSums(_sums_below(up, cell, knots), above[:, -1:] - above)


def _unseen(sums: Floats) -> Floats:
    """The weight of requests that nothing tells of: in holes, or all that would move where few of them are seen."""
    hole, moved, moving, seen = sums[6:10]
    return np.asarray(np.where((seen < MIN_SHADOWS) & (seen < moving), np.maximum(hole, moved), hole))


def _row_moments(rows: Observations, outcome: ObservedOutcome, stays: Flags) -> Floats:
    """Six moments of each row, if all went to one lane, and four more; `stays`: it answered already.

    The four are the weight in a hole; weight and count of what moves, and the count of what of that is seen.
    """
    y = np.where(stays, outcome.given, outcome.shadow)
    chance = np.where(stays, outcome.g, outcome.e)
    seen = np.isfinite(y) & (chance > 0)
    w = np.where(seen, rows.weight / np.where(seen, chance, 1.0), 0.0)
    wy = w * np.where(seen, y, 0.0)
    y = np.where(seen, y, np.nan)
    hole = unsupported_rows(y, chance, stays) | unsupported_rows(y, chance, ~stays)
    moments = [seen.astype(np.float64), w, wy, w * w, w * wy, wy * wy]
    moves = [np.where(stays, 0.0, rows.weight), (~stays).astype(np.float64), (seen & ~stays).astype(np.float64)]
    return np.stack([*moments, np.where(hole, rows.weight, 0.0), *moves])


def _sums_below(columns: Floats, cell: Ints, knots: int) -> Floats:
    """Sums of each column over the rows below each knot, and over all."""
    sums = np.stack([np.bincount(cell, column, knots) for column in columns])
    return np.concatenate([np.zeros((len(columns), 1)), np.cumsum(sums, axis=1)], axis=1)
