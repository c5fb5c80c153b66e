"""A mean of weighted rows with its interval: Hajek's estimate, linearised variance, Wilson on the effective n."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.metrics.statistics.intervals import MIN_NORMAL_ROWS, student_quantile, wilson_interval

MIN_MEAN_ROWS = 20  # rows, or as many as weighted ones are worth, under which a mean on an open scale has no interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95 % interval, the rows it rests on and how many equally weighted ones these are worth.

    None is unknown: no rows, or (for the interval) too few to say.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    effective: float
    method: str


def estimate_share(values: Floats, weights: Floats) -> Estimate:
    """The weighted mean of values in [0, 1], each standing for `weights` requests.

    Hajek (1971): sum(w y) / sum(w). Its linearised variance gives the effective n (Korn and Graubard 1998), held by
    Kish's (sum w)^2 / sum w^2 (1965), and that the interval (Wilson 1927), which stays inside [0, 1] and is honest at 0
    and 1.
    """
    sums = weighted_moments(values, weights)
    mean, low, high, effective = (float(each) for each in share_from_moments(sums))
    return make_estimate(mean, low, high, int(sums[0]), effective, "Hajek, Wilson interval on the effective n")


def estimate_mean(values: Floats, weights: Floats) -> Estimate:
    """The weighted mean of values on any scale, with Student's interval of its linearised variance."""
    sums = weighted_moments(values, weights)
    middle, low, high, effective = (float(each) for each in mean_from_moments(sums))
    return make_estimate(middle, low, high, int(sums[0]), effective, "Hajek, Student's interval")


def weighted_moments(values: Floats, weights: Floats) -> Floats:
    """The six sums that an estimate needs: n, w, w y, w^2, w^2 y, w^2 y^2. They add up over any parts of the rows."""
    w, wy = weights, weights * values
    return np.array([len(values), w.sum(), wy.sum(), (w * w).sum(), (w * wy).sum(), (wy * wy).sum()])


def share_from_moments(sums: Floats) -> Floats:
    """Mean, low, high and effective n, stacked first, from sums of `weighted_moments` (six, then any shape).

    Few rows of heavy weight show too little of their variance, so answers of yes and no are worth hardly more rows than
    Kish's count, k (1 + k / SURE); graded ones vary less, and may be.
    """
    n, w, _, squares = sums[:4]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, variance = _linearised(sums)
        kish = w * w / squares
        effective = np.where(variance > 1e-15, mean * (1 - mean) / variance, kish)
        yes_or_no = np.abs(sums[5] - sums[4]) <= 1e-9 * squares
        effective = np.where(yes_or_no, np.minimum(effective, kish * (1 + kish / MIN_NORMAL_ROWS)), effective)
        low, high = wilson_interval(mean, effective)
    return np.where(n > 0, np.stack([mean, low, high, effective]), np.nan)


def mean_from_moments(sums: Floats) -> Floats:
    """The same for values on any scale; no interval where they are worth fewer than FEWEST rows."""
    n, w, _, squares = sums[:4]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, variance = _linearised(sums)
        kish = w * w / squares
        half = np.where(kish >= MIN_MEAN_ROWS, student_quantile(kish - 1) * np.sqrt(variance * n / (n - 1)), np.nan)
        stacked = np.stack([mean, mean - half, mean + half, kish])
    return np.where(n > 0, stacked, np.nan)


def number_or_none(value: Any) -> float | None:
    """A number, or None where it is not one."""
    return float(value) if np.isfinite(value) else None


def make_estimate(value: float, low: float, high: float, n: int, effective: float, method: str) -> Estimate:
    """The figures with None for what is not a number."""
    return Estimate(
        number_or_none(value), number_or_none(low), number_or_none(high), n, effective if n else 0.0, method
    )


def _linearised(sums: Floats) -> tuple[Floats, Floats]:
    """The ratio of sums and its variance by Taylor's linearisation: sum w^2 (y - mean)^2 / (sum w)^2."""
    _, w, wy, squares, squares_y, squares_yy = sums
    mean = wy / w
    residual = squares_yy - 2 * mean * squares_y + mean * mean * squares
    return mean, np.maximum(residual, 0) / (w * w)
