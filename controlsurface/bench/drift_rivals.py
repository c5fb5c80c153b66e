"""Other ways to alert on a rate, for comparison: whether each would be firing, bucket by bucket (T x S)."""

from dataclasses import replace

import numpy as np

from controlsurface.alerting.detectors.drift.drift_replay import DriftChange, replay_counts
from controlsurface.alerting.detectors.drift.drift_state import fresh_state
from controlsurface.alerting.detectors.statistics import cusum
from controlsurface.alerting.detectors.statistics.count_baseline import Baseline, hour_cell
from controlsurface.alerting.detectors.statistics.likelihood import likelihood_ratios
from controlsurface.arrays import Flags, Floats
from controlsurface.bench.drift_traffic import DriftTraffic


def drift_engine_flags(traffic: DriftTraffic, baseline: Baseline, streams: int) -> list[DriftChange]:
    """What the product's own detector says."""
    found = likelihood_ratios(baseline)
    _, changes = replay_counts(
        fresh_state(traffic.n.shape[1]),
        found,
        int(traffic.at_s[0]),
        traffic.n,
        traffic.k,
        cusum.score_threshold(streams),
    )
    return changes


def plain_cusum(traffic: DriftTraffic, baseline: Baseline, streams: int) -> list[DriftChange]:
    """The same sums with neither a tolerance nor overdispersion."""
    ones = np.ones_like(baseline.phi)
    plain = replace(baseline, phi=ones, tolerance=ones * 1.0001)
    return drift_engine_flags(traffic, plain, streams)


def static_threshold(traffic: DriftTraffic, baseline: Baseline) -> Flags:
    """Above 1.25 times the baseline's mean rate over 15 minutes, for 15 minutes, with 20 expected events."""
    n, k = _over(traffic.n, 3), _over(traffic.k, 3)
    usual = baseline.k / baseline.n
    return _for(_exceeds(n, k, 1.25 * usual), 3)


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


def _exceeds(n: Floats, k: Floats, rate: Floats) -> Flags:
    """Where there is enough to judge and it lies above."""
    return (k > rate * n) & (rate * n >= 20)


def _over(counts: Floats, buckets: int) -> Floats:
    """Sums over the last buckets."""
    total = np.concatenate([np.zeros((1, counts.shape[1])), counts.cumsum(axis=0)])
    first = np.maximum(np.arange(1, len(total)) - buckets, 0)
    found: Floats = total[1:] - total[first]
    return found


def _for(present: Flags, buckets: int) -> Flags:
    """Present now and in the buckets before."""
    return _over(present.astype(np.float64), buckets + 1) > buckets
