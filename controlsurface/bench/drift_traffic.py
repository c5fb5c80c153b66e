"""Router traffic as counts in 5-minute buckets: days and weeks, rates that wobble, and changes planted in them."""

from dataclasses import dataclass

import numpy as np

from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, DAY_S
from controlsurface.arrays import Floats, Ints

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
