"""Figures of weighted rows: shares and means (Hajek), paired differences, prediction-powered means (PPI++)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.metrics.statistics import (
    MIN_NORMAL_ROWS,
    Z_95,
    PairedSums,
    paired_interval,
    student_p_value,
    student_quantile,
    wilson_interval,
)

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
    """The same for values on any scale, with Student's interval; none where they are worth fewer than MIN_MEAN_ROWS."""
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


_PAIRED_METHOD = "paired difference, Bonett and Price's interval, or Student's where most pairs differ by a part"


def paired_difference_estimate(gaps: Floats, weights: Floats) -> tuple[Estimate, float | None]:
    """The weighted mean of differences in [-1, 1], and the chance of one as large if there were none.

    The chance is that of Student's t, two-sided; None without pairs.
    """
    value, low, high, effective, chance = (float(each) for each in paired_difference_of(gaps, weights))
    found = make_estimate(value, low, high, int((weights > 0).sum()), effective, _PAIRED_METHOD)
    return found, None if np.isnan(chance) else chance


def paired_difference_of(gaps: Floats, weights: Floats) -> Floats:
    """Value, low, high, effective n and chance, stacked first, over the last axis; rows of weight 0 do not count."""
    total, squares = weights.sum(axis=-1), (weights**2).sum(axis=-1)
    counts = weights > 0
    decides = counts & (gaps != 0)
    n = counts.sum(axis=-1)
    low, high, t, freedom = paired_interval(
        PairedSums(
            n=n,
            weight=total,
            weights=squares,
            gaps=(weights * gaps).sum(axis=-1),
            products=(weights**2 * gaps).sum(axis=-1),
            squares=((weights * gaps) ** 2).sum(axis=-1),
            deciding=decides.sum(axis=-1),
            plain=(gaps**2 * decides).sum(axis=-1),
            partial=(decides & (np.abs(gaps) != 1)).sum(axis=-1),
        )
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (weights * gaps).sum(axis=-1) / total
        stacked = np.stack([value, low, high, total**2 / squares, student_p_value(t, freedom)])
    return np.where(n > 0, stacked, np.nan)


MIN_HUMAN_LABELS = 20  # human labels under which the judge's help cannot be measured

_PPI_METHOD = "PPI++ with lambda {:.2f}"


def ppi_mean(truth: Floats, judged: Floats, others: Floats, weights: Floats, others_weights: Floats) -> Estimate:
    """The mean of what people would say, in [0, 1].

    `truth` and `judged`: people's and the judge's word on the rows that people labelled, a random part of all;
    `others`: the judge's word on the rest; weights: the requests each row stands for. Lambda is tuned so
    that a judge who is no help does no harm (Angelopoulos, Duchi and Zrnic 2023, PPI++, section 6); variances are those
    of weighted means. With too few labels: the labels alone.
    """
    p = weights / weights.sum()
    alone = estimate_share(truth, p)
    if len(truth) < MIN_HUMAN_LABELS or len(others) == 0:
        return alone
    q = others_weights / others_weights.sum()
    value, low, high, power, variance = (float(each) for each in ppi_of(truth, judged, p, others, q))
    if variance <= 0:
        return alone
    effective = value * (1 - value) / variance if 0 < value < 1 else alone.effective
    return make_estimate(value, low, high, len(truth), effective, _PPI_METHOD.format(power))


def ppi_of(truth: Floats, judged: Floats, p: Floats, others: Floats, q: Floats) -> Floats:
    """Value, low, high, lambda and variance, stacked first, over the last axis; `p` and `q` are weights that sum to 1.

    The interval is that of the labels and two more rows, one on which people alone see a difference and one on which
    the judge alone does: of 20 labels a rare mistake of the judge may have hit none, and is still possible. (Two rows
    are what Agresti and Coull 1998 add to a share, to which this comes where the judge is no help.)
    """
    value = _ppi_value(truth, judged, p, others, q)[0]
    more = (p**2).sum(axis=-1, keepdims=True)  # the weight of an average row
    one, none = np.ones_like(more), np.zeros_like(more)
    wider = np.concatenate([p, more, more], axis=-1) / (1 + 2 * more)
    seen, said = np.concatenate([truth, one, none], axis=-1), np.concatenate([judged, none, one], axis=-1)
    middle, power, variance = _ppi_value(seen, said, wider, others, q)
    half = Z_95 * np.sqrt(variance)
    low, high = np.minimum(middle - half, value), np.maximum(middle + half, value)
    return np.stack([value, np.maximum(low, 0), np.minimum(high, 1), power, variance])


def _ppi_value(truth: Floats, judged: Floats, p: Floats, others: Floats, q: Floats) -> tuple[Floats, Floats, Floats]:
    """The estimate, the weight on the judge that makes its variance least (0: useless, to 1), and that variance."""
    spread = _covariance_of_means(q, others, others)
    noise = _covariance_of_means(p, judged, judged) + spread
    with np.errstate(invalid="ignore", divide="ignore"):
        power = np.where(noise > 0, np.clip(_covariance_of_means(p, truth, judged) / noise, 0, 1), 0.0)
    rectifier = truth - power[..., None] * judged
    value = power * (q * others).sum(axis=-1) + (p * rectifier).sum(axis=-1)
    return np.clip(value, 0, 1), power, _covariance_of_means(p, rectifier, rectifier) + power**2 * spread


def _covariance_of_means(p: Floats, one: Floats, other: Floats) -> Floats:
    """The covariance of two weighted means over the same rows, by linearisation."""
    n = (p > 0).sum(axis=-1)
    left, right = (p * (each - (p * each).sum(axis=-1, keepdims=True)) for each in (one, other))
    return np.asarray((left * right).sum(axis=-1) * n / np.maximum(n - 1, 1))
