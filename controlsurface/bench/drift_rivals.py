"""Router traffic with planted changes, and other ways to alert on a rate: whether each would be firing (T x S)."""

from dataclasses import dataclass, replace

import numpy as np

from controlsurface.alerting.detectors.drift.drift_replay import DriftChange, replay_counts
from controlsurface.alerting.detectors.drift.drift_state import fresh_state
from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, DAY_S, Baseline, hour_cell
from controlsurface.alerting.detectors.statistics.cusum import likelihood_ratios, score_threshold
from controlsurface.arrays import Flags, Floats, Ints

BUCKETS_A_DAY = DAY_S // BUCKET_S
FIRST_BUCKET_S = 1_767_571_200  # a Monday, 2026-01-05
WOBBLE, WOBBLE_HOURS = 0.10, 3.0


@dataclass(frozen=True, slots=True)
class DriftTraffic:
    """T buckets of S streams from `at_s` on: requests `n` and events `k`, both T x S."""

    at_s: Ints
    n: Floats
    k: Floats

    def days(self, first: int, last: int) -> "DriftTraffic":
        """From one day's beginning to another's."""
        part = slice(first * BUCKETS_A_DAY, last * BUCKETS_A_DAY)
        return DriftTraffic(self.at_s[part], self.n[part], self.k[part])

    def hourly(self) -> "DriftTraffic":
        """The same counts by the hour."""
        n, k = (each.reshape(-1, 12, each.shape[1]).sum(axis=1) for each in (self.n, self.k))
        return DriftTraffic(self.at_s[::12], n, k)


def simulate_drift_traffic(
    random: np.random.Generator, days: int, a_day: Floats, rate: Floats, changed: Floats | float = 1.0
) -> DriftTraffic:
    """`a_day` requests (S) of which `rate` (S) are events; `changed` (T x S or 1) multiplies the odds of an event.

    Twice as much traffic by day as by night and half of it at weekends; rates a quarter higher in the afternoon and a
    sixth lower at weekends; on top of that a wobble of 10 % that lasts for about three hours.
    """
    at_s = FIRST_BUCKET_S + BUCKET_S * np.arange(days * BUCKETS_A_DAY)
    daily = np.sin(2 * np.pi * (at_s % DAY_S / DAY_S - 0.375))[:, None]
    weekend = ((at_s // DAY_S + 3) % 7 >= 5)[:, None]
    busy = np.exp(0.35 * daily) * np.where(weekend, 0.55, 1.0)
    n = random.poisson(busy / busy.mean() * a_day / BUCKETS_A_DAY).astype(np.float64)
    season = np.exp(0.22 * daily) * np.where(weekend, 0.85, 1.0)
    shares = np.minimum(rate * season / season.mean() * np.exp(WOBBLE * _wobble(random, len(at_s), len(a_day))), 0.95)
    odds = changed * shares / (1 - shares)
    k = random.binomial(n.astype(np.int64), odds / (1 + odds)).astype(np.float64)
    return DriftTraffic(at_s, n, k)


def _wobble(random: np.random.Generator, buckets: int, streams: int) -> Floats:
    """A slow noise of variance 1, T x S: an autoregression sampled every half hour, straight lines in between."""
    knots = buckets // 6 + 2
    kept = float(np.exp(-0.5 / WOBBLE_HOURS))
    noise = random.standard_normal((knots, streams))
    for knot in range(1, knots):
        noise[knot] = kept * noise[knot - 1] + np.sqrt(1 - kept**2) * noise[knot]
    place = np.arange(buckets) / 6
    below = place.astype(np.int64)
    part = (place - below)[:, None]
    found: Floats = (1 - part) * noise[below] + part * noise[below + 1]
    return found


def drift_engine_flags(traffic: DriftTraffic, baseline: Baseline, streams: int) -> list[DriftChange]:
    """What the product's own detector says."""
    state, ratios, bound = fresh_state(traffic.n.shape[1]), likelihood_ratios(baseline), score_threshold(streams)
    return replay_counts(state, ratios, int(traffic.at_s[0]), traffic.n, traffic.k, bound)[1]


def plain_cusum(traffic: DriftTraffic, baseline: Baseline, streams: int) -> list[DriftChange]:
    """The same sums with neither a tolerance nor overdispersion."""
    ones = np.ones_like(baseline.phi)
    return drift_engine_flags(traffic, replace(baseline, phi=ones, tolerance=ones * 1.0001), streams)


def static_threshold(traffic: DriftTraffic, baseline: Baseline) -> Flags:
    """Above 1.25 times the baseline's mean rate over 15 minutes, for 15 minutes, with 20 expected events."""
    expected = 1.25 * (baseline.k / baseline.n) * _over(traffic.n, 3)
    return _for((_over(traffic.k, 3) > expected) & (expected >= 20), 3)


def burn_rates(traffic: DriftTraffic, baseline: Baseline) -> Flags:
    """The budget is the baseline's mean rate: twice as fast over 1 h and 5 min, or 1.5 times over 6 h and 30 min."""
    usual = baseline.k / baseline.n
    found = np.zeros(traffic.n.shape, dtype=np.bool_)
    for factor, long, short in ((2.0, 12, 1), (1.5, 72, 6)):
        pair = [_over(traffic.k, each) > factor * usual * _over(traffic.n, each) for each in (long, short)]
        found |= pair[0] & pair[1]
    return found


def hourly_z(traffic: DriftTraffic, baseline: Baseline) -> Flags:
    """The last hour against the seasonal rate, p < 1e-6 on two sides."""
    n, k = _over(traffic.n, 12), _over(traffic.k, 12)
    rate = baseline.rates[hour_cell(traffic.at_s)]
    expected = n * rate
    return np.abs(k - expected) > 4.89 * np.sqrt(np.maximum(expected * (1 - rate), 1e-9))


def _over(counts: Floats, buckets: int) -> Floats:
    """Sums over the last buckets."""
    total = np.concatenate([np.zeros((1, counts.shape[1])), counts.cumsum(axis=0)])
    first = np.maximum(np.arange(1, len(total)) - buckets, 0)
    found: Floats = total[1:] - total[first]
    return found


def _for(present: Flags, buckets: int) -> Flags:
    """Present now and in the buckets before."""
    return _over(present.astype(np.float64), buckets + 1) > buckets
