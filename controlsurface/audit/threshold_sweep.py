"""What another threshold would do: escalation, quality, cost and latency at any threshold, or why nobody can say.

A request whose confidence lies below the threshold goes to the large lane; one at the threshold stays in the small one.
The answer of the lane it would go to is known where that lane answered it (weight graded / g) or shadowed it (weight
shadow / e): the self-normalised inverse propensity estimate, SNIPS (Swaminathan and Joachims 2015). It rests on sums
over rows below and above a threshold, so these are made once and every threshold is a look-up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controlsurface.arrays import Flags, Floats
from controlsurface.audit.observations import Observations, ObservedOutcome, unsupported_rows
from controlsurface.audit.statistics.weighted_estimate import mean_from_moments, share_from_moments
from controlsurface.metrics.statistics.intervals import wilson_interval

Places = NDArray[np.int64]

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

    below: Floats  # (10, knots + 1): six moments and the columns of `_columns`, of rows below each knot
    above: Floats  # the same, of rows at or above it


@dataclass(frozen=True, slots=True)
class ThresholdSweep:
    """All that is needed to answer for any threshold."""

    knots: Floats
    requests: Floats  # weight, squared weight and rows below each knot: (3, knots + 1)
    sums: Mapping[str, SweepSums]

    def place(self, thresholds: Floats) -> Places:
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
    requests = _below(np.stack([rows.weight, rows.weight**2, ones]), cell, len(knots))
    sums = {name: _sums(rows, each, cell, len(knots)) for name, each in rows.outcomes.items()}
    return ThresholdSweep(knots, requests, sums)


def _sums(rows: Observations, outcome: ObservedOutcome, cell: Places, knots: int) -> SweepSums:
    """The sums of one outcome: rows below a knot would be answered by the large lane, the others by the small one."""
    up = _columns(rows, outcome, rows.large)
    down = _columns(rows, outcome, ~rows.large)
    above = _below(down, cell, knots)
    return SweepSums(_below(up, cell, knots), above[:, -1:] - above)


def _unseen(sums: Floats) -> Floats:
    """The weight of requests that nothing tells of: in holes, or all that would move where few of them are seen."""
    hole, moved, moving, seen = sums[6:10]
    return np.asarray(np.where((seen < MIN_SHADOWS) & (seen < moving), np.maximum(hole, moved), hole))


def _columns(rows: Observations, outcome: ObservedOutcome, stays: Flags) -> Floats:
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


def _below(columns: Floats, cell: Places, knots: int) -> Floats:
    """Sums of each column over the rows below each knot, and over all."""
    sums = np.stack([np.bincount(cell, column, knots) for column in columns])
    return np.concatenate([np.zeros((len(columns), 1)), np.cumsum(sums, axis=1)], axis=1)
