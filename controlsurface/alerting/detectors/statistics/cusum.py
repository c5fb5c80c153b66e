"""How much counts speak for a drift: log-likelihood ratios of buckets, and their sums that forget (Page 1954)."""

from dataclasses import dataclass

import numpy as np

from controlsurface.alerting.detectors.statistics.count_baseline import DEFAULT_TOLERANCE, Baseline, hour_cell
from controlsurface.arrays import Floats, Ints

BUCKETS_PER_WEEK = 2016


def score_threshold(streams: int, false_a_week: float = 1.0) -> float:
    """The score to reach so that all streams together raise `false_a_week` false alerts a week: ln(streams x 2016 / A).

    >>> round(score_threshold(250), 2)
    13.13
    """
    return float(np.log(max(streams, 1) * BUCKETS_PER_WEEK / false_a_week))


def mixture_score(sums: Floats, axis: int = 0) -> Floats:
    """The alternatives' sums as one figure: the log of the mean of their exponentials."""
    largest = sums.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(sums - largest).mean(axis=axis)) + largest.squeeze(axis))


def advance_sums(sums: Floats, ratios: Floats) -> Floats:
    """One step of S = max(S, 0) + l."""
    return np.maximum(sums, 0) + ratios


def cumulative_sums(ratios: Floats, before: Floats) -> Floats:
    """All steps at once, T x ...: S_t = C_t - min(0, least C before t), with the sum `before` in C_0.

    Sums of a few weeks are taken at a time (see `replay_counts`), so nothing is lost to cancellation over months.
    """
    running = np.concatenate([np.maximum(before, 0)[None], ratios]).cumsum(axis=0)
    least = np.minimum(np.minimum.accumulate(running, axis=0)[:-1], 0)
    return running[1:] - least


def last_start(sums: Floats, before: Floats) -> Ints:
    """The step at which the last sums began to grow, -1 where that was before the first: the argmin of C."""
    starts = np.concatenate([before[None], sums[:-1]]) <= 0
    steps = len(sums)
    return np.where(starts.any(axis=0), steps - 1 - starts[::-1].argmax(axis=0), -1)


ODDS_FACTORS = np.array([1.5, 2.0, 3.0, 5.0])
ALTERNATIVE_COUNT = 2 * len(ODDS_FACTORS)
RISE_COUNT = len(ODDS_FACTORS)  # the first alternatives are rises, the others falls


@dataclass(frozen=True, slots=True)
class LikelihoodRatios:
    """A ratio is k x `per_event` + n x `per_request`, already divided by phi: linear, so SQL can sum it.

    `per_event` is 8 x S, `per_request` 48 x 8 x S, `odds` 48 x S. A tolerance other than 1.2 moves the alternatives
    with it: they stay as far beyond the band.
    """

    baseline: Baseline
    odds: Floats
    per_event: Floats
    per_request: Floats

    def take(self, streams: Ints) -> "LikelihoodRatios":
        """The same of some streams."""
        parts = (each[..., streams] for each in (self.odds, self.per_event, self.per_request))
        return LikelihoodRatios(self.baseline.take(streams), *parts)

    def ratios(self, at_s: Ints, n: Floats, k: Floats) -> Floats:
        """Log-likelihood ratios of buckets, T x 8 x S, of counts that are T x S."""
        return k[:, None, :] * self.per_event + n[:, None, :] * self.per_request[hour_cell(at_s)]

    def expected(self, at_s: Ints, n: Floats) -> Floats:
        """Events to be expected of so many requests, T x S."""
        return n * self.baseline.rates[hour_cell(at_s)]

    def towards_baseline(self, at_s: Ints, n: Floats, k: Floats, odds_ratio: Floats) -> Floats:
        """How much buckets speak for the baseline and against odds `odds_ratio` (S) times higher, T x S."""
        odds = self.odds[hour_cell(at_s)]
        return (n * np.log((1 + odds_ratio * odds) / (1 + odds)) - k * np.log(odds_ratio)) / self.baseline.phi


def likelihood_ratios(baseline: Baseline) -> LikelihoodRatios:
    """The ratios that follow from a baseline."""
    odds = baseline.rates / (1 - baseline.rates)
    far = np.outer(ODDS_FACTORS, baseline.tolerance / DEFAULT_TOLERANCE)
    near = np.broadcast_to(baseline.tolerance, far.shape)
    alternative, edge = np.concatenate([far, 1 / far]), np.concatenate([near, 1 / near])
    per_event = np.log(alternative / edge) / baseline.phi
    per_request = np.log((1 + edge * odds[:, None]) / (1 + alternative * odds[:, None])) / baseline.phi
    return LikelihoodRatios(baseline, odds, per_event, per_request)


def odds_ratio(n: Floats, k: Floats, expected: Floats) -> Floats:
    """The odds seen by the odds expected, with half an event added on both sides."""
    return ((k + 0.5) / (n - k + 0.5)) / ((expected + 0.5) / (n - expected + 0.5))
