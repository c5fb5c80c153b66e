"""How soon a drift could be found at all: few requests a day carry little information, and at night there are fewer."""

from dataclasses import dataclass

import numpy as np

from controlsurface.alerting.detectors.statistics.count_baseline import HOUR_S, hour_cell
from controlsurface.arrays import Floats, Ints

Figures = Floats | float

WEEK_HOURS = 7 * 24
_FIRST_MONDAY_S = 4 * 86_400  # 1970 began on a Thursday


@dataclass(frozen=True, slots=True)
class DetectionDelay:
    """Hours until a drift is expected to be found: mean, least and most over the hours in which it may begin."""

    mean: Floats
    low: Floats
    high: Floats


def requests_needed(
    rate: Figures, odds_ratio: float, threshold: float, tolerance: Figures = 1.2, phi: Figures = 1.0
) -> Floats:
    """After how many requests a drift by `odds_ratio` is expected to be found: threshold x phi / KL.

    `threshold` is ln(ARL); KL is the divergence of the drifted rate from the near edge of the band. Infinite where the
    drift lies inside the band.
    """
    odds = np.asarray(rate / (1 - np.asarray(rate)))
    edge = tolerance if odds_ratio > 1 else 1 / np.asarray(tolerance)
    drifted, near = (factor * odds / (1 + factor * odds) for factor in (odds_ratio, edge))
    beyond = np.abs(np.log(odds_ratio)) > np.log(tolerance)
    with np.errstate(divide="ignore"):
        needed: Floats = np.where(beyond, threshold * phi / bernoulli_divergence(drifted, near), np.inf)
    return needed


def expected_delay(needed: Floats, by_cell: Floats) -> DetectionDelay:
    """How long `needed` requests (S) take, whichever hour of the week the drift begins in.

    `by_cell` is 48 x S: requests in an hour of each cell of the baseline. Infinite without requests, NaN where nobody
    knows how many there are.
    """
    at_s: Ints = _FIRST_MONDAY_S + HOUR_S * np.arange(WEEK_HOURS)
    hours = _hours(needed, np.nan_to_num(by_cell)[hour_cell(at_s)])
    known = ~np.isnan(by_cell).any(axis=0)
    figures = (hours.mean(axis=0), hours.min(axis=0), hours.max(axis=0))
    return DetectionDelay(*(np.where(known, each, np.nan) for each in figures))


def bernoulli_divergence(one: Floats, other: Floats) -> Floats:
    """Kullback-Leibler's, of two Bernoulli rates, in nats."""
    return one * np.log(one / other) + (1 - one) * np.log((1 - one) / (1 - other))


def _hours(needed: Floats, weekly: Floats) -> Floats:
    """Hours from the beginning of each hour of a week until so many requests have come: 168 x S.

    Counted in weeks' worth of requests. All streams are looked up at once, each in a stretch of its own.
    """
    total = weekly.sum(axis=0)
    some = np.isfinite(needed) & (total > 0)
    shares = np.where(some, weekly / np.where(some, total, 1.0), 1 / WEEK_HOURS)
    weeks, left = np.divmod(np.where(some, needed / np.where(some, total, 1.0), 0.0), 1.0)
    passed = np.concatenate([np.zeros((1, len(total))), np.cumsum(np.tile(shares, (2, 1)), axis=0)])
    goals = passed[:WEEK_HOURS] + left
    stretch = 3.0 * np.arange(len(total))
    found = np.searchsorted((passed + stretch).T.ravel(), (goals + stretch).ravel(), "left").reshape(goals.shape)
    last = np.clip(found - len(passed) * np.arange(len(total)), 1, len(passed) - 1)
    low, high = (np.take_along_axis(passed, place, axis=0) for place in (last - 1, last))
    part = np.clip((goals - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    taken = WEEK_HOURS * weeks + np.maximum(last - 1 + part - np.arange(WEEK_HOURS)[:, None], 0.0)
    return np.where(some, taken, np.inf)
