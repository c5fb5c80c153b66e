"""What is normal for a stream of counts: a rate for each hour of day, weekdays and weekends apart, held still.

The window is anchored, not rolling: a rolling one learns a slow growth and never speaks.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from controlsurface.arrays import Flags, Floats, Ints

DAY_S, HOUR_S, BUCKET_S = 86_400, 3_600, 300
HOUR_CELLS = 48
WINDOW_DAYS, MIN_DAYS = 28, 7
PSEUDO_EVENTS = 20.0
DEFAULT_TOLERANCE = 1.2


@dataclass(frozen=True, slots=True)
class StreamArrays:
    """Arrays about S streams, one a field; the last axis of each is the stream."""

    def arrays(self) -> list[Floats]:
        """The arrays in the order of their fields."""
        return [getattr(self, each.name) for each in fields(self)]

    def take(self, streams: Ints) -> Self:
        """The same of some streams, in their order."""
        return type(self)(*(each[..., streams] for each in self.arrays()))

    def put(self, streams: Ints, other: Self) -> Self:
        """The same with some streams from `other`."""
        changed = [each.copy() for each in self.arrays()]
        for each, theirs in zip(changed, other.arrays(), strict=True):
            each[..., streams] = theirs
        return type(self)(*changed)

    def join(self, other: Self) -> Self:
        """The streams of both, side by side."""
        return type(self)(*(np.concatenate(both, axis=-1) for both in zip(self.arrays(), other.arrays(), strict=True)))


@dataclass(frozen=True, slots=True)
class Baseline(StreamArrays):
    """Of S streams: the rate of each cell (48 x S), overdispersion (S), counts it rests on (S), odds tolerated (S).

    `volume` is how many requests an hour of each cell has (48 x S); NaN: not counted.
    """

    rates: Floats
    phi: Floats
    n: Floats
    k: Floats
    tolerance: Floats
    volume: Floats

    def shifted(self, odds_ratio: Floats) -> "Baseline":
        """The same seasons at other odds: what was accepted as the new normal, until it has seven days of its own."""
        odds = odds_ratio * self.rates / (1 - self.rates)
        return replace(self, rates=odds / (1 + odds))


def hour_cell(at_s: Ints) -> Ints:
    """The cell of a moment (UTC seconds since 1970): hour of day, and 24 more on Saturdays and Sundays.

    >>> hour_cell(np.array([1_700_000_000, 1_700_400_000])).tolist()  # Tuesday 22:13, Sunday 13:20
    [22, 37]
    """
    weekday = (at_s // DAY_S + 3) % 7  # 1970 began on a Thursday
    hour: Ints = at_s % DAY_S // HOUR_S
    return hour + 24 * (weekday >= 5)


def days_with_requests(at_s: Ints, n: Floats) -> Ints:
    """On how many days each stream had requests; `n` is T x S."""
    day = at_s // DAY_S
    seen = [(n[day == each] > 0).any(axis=0) for each in np.unique(day)]
    return np.sum(seen, axis=0, dtype=np.int64) if seen else np.zeros(n.shape[1], dtype=np.int64)


def mean_hourly_volume(hour_s: Ints, n: Floats, counted: Flags | None = None) -> Floats:
    """Mean requests in the hours of each cell, 48 x S, of hourly counts H x S; a cell without hours has the mean.

    `counted` (H x S) are the hours that belong to each stream's window; None: all.
    """
    member = (hour_cell(hour_s)[:, None] == np.arange(HOUR_CELLS)).astype(np.float64)
    mine = np.ones_like(n) if counted is None else counted.astype(np.float64)
    hours, total = member.T @ mine, member.T @ (n * mine)
    common = total.sum(axis=0) / np.maximum(hours.sum(axis=0), 1)
    return np.asarray(np.where(hours > 0, total / np.maximum(hours, 1), common))


def fit_baseline(
    hour_s: Ints, n: Floats, k: Floats, tolerance: Floats | float = DEFAULT_TOLERANCE, counted: Flags | None = None
) -> Baseline:
    """The baseline of hourly counts, H x S: k events among n requests in the hour that begins at `hour_s`.

    Each cell is drawn towards the flat rate by 20 pseudo-events of the rarer outcome, so that counting successes or
    failures makes no difference. `phi` is the variance of the hourly Pearson residuals, at least 1; weights from
    upstream sampling show there, too. Where the baseline knows its own rate less well than the tolerance (two standard
    errors of the log odds), the tolerance is that. `counted` (H x S) are the hours of each stream's window; None: all.
    """
    busy = mean_hourly_volume(hour_s, n, counted)
    if counted is not None:
        n, k = n * counted, k * counted
    total_n, total_k = n.sum(axis=0), k.sum(axis=0)
    flat = (total_k + 0.5) / (total_n + 1)
    common = flat > 0.5
    flat = np.where(common, 1 - flat, flat)
    rarer = np.where(common, n - k, k)
    member = (hour_cell(hour_s)[:, None] == np.arange(HOUR_CELLS)).astype(np.float64)
    cell_n, cell_k = member.T @ n, member.T @ rarer
    prior = PSEUDO_EVENTS / flat
    rates = (cell_k + PSEUDO_EVENTS) / (cell_n + prior)
    learned = (cell_n / (cell_n + prior)).sum(axis=0)
    phi = _overdispersion(rarer, n, rates[hour_cell(hour_s)], learned)
    uncertain = np.exp(2 * np.sqrt(phi * (1 / (rarer.sum(axis=0) + 0.5) + 1 / (total_n - rarer.sum(axis=0) + 0.5))))
    rates = np.where(common, 1 - rates, rates)
    return Baseline(rates, phi, total_n, total_k, np.maximum(tolerance, uncertain), busy)


def _overdispersion(k: Floats, n: Floats, rate: Floats, learned: Floats) -> Floats:
    """The variance of (k - n p) / sqrt(n p (1 - p)) over hours with requests, at least 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = np.where(n > 0, (k - n * rate) ** 2 / (n * rate * (1 - rate)), 0.0)
    free = np.maximum((n > 0).sum(axis=0) - learned, 1.0)
    return np.asarray(np.maximum(1.0, squared.sum(axis=0) / free))
