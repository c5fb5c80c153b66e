"""Intervals, chances and sizes of differences, of many figures at once; the same formulas as in the SQL of a metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, lgamma, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from controlsurface.arrays import Floats

Z_95 = 1.959963984540054

MIN_NORMAL_ROWS = 500  # rows by Kish's count of which the linearised variance may make twice as many
MIN_MEAN_ROWS = 300  # rows under which a mean of a long tail has no interval that could be believed
UNLIKE_MIX = 0.1  # share of requests that would have to be of another kind
MIN_PAIRS = 20  # or as many as weighted ones are worth

_ERFC = np.frompyfunc(erfc, 1, 1)


def wilson_interval(share: Floats, effective: Floats) -> tuple[Floats, Floats]:
    """Both ends of Wilson's score interval (Wilson 1927) for shares of `effective` rows; NaN where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z_95 * np.sqrt(np.maximum(share * (1 - share), 0) / effective + (Z_95 / 2 / effective) ** 2)
        middle, scale = share + Z_95 * Z_95 / 2 / effective, 1 + Z_95 * Z_95 / effective
        return np.maximum((middle - half) / scale, 0), np.minimum((middle + half) / scale, 1)


def difference_interval(
    one: Floats, ends: tuple[Floats, Floats], other: Floats, others: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Both ends for `other` - `one`, from each one's interval (MOVER; Zou & Donner 2008).

    Of Wilson intervals it is Newcombe's hybrid score interval (1998, method 10).
    """
    value = other - one
    return (
        value - np.hypot(other - others[0], ends[1] - one),
        value + np.hypot(others[1] - other, one - ends[0]),
    )


def mix_distance(ones: Mapping[Any, float], others: Mapping[Any, float]) -> float:
    """The share of one arm's requests that would have to be of another kind for both to be alike (total variation)."""
    whole, all_others = sum(ones.values()), sum(others.values())
    if not whole or not all_others:
        return 0.0
    kinds = {*ones, *others}
    return sum(abs(ones.get(kind, 0) / whole - others.get(kind, 0) / all_others) for kind in kinds) / 2


def binned_mean_interval(
    mean: float, lower: Floats, upper: Floats, counts: Floats, n: int
) -> tuple[float, float] | None:
    """Both ends for a mean of n rows that lie in bins; None of fewer than MIN_MEAN_ROWS, for tails are long."""
    if n < MIN_MEAN_ROWS or counts.sum() <= 0:
        return None
    middle = (lower + upper) / 2
    centre = float(np.average(middle, weights=counts))
    half = Z_95 * float(np.sqrt(np.average((middle - centre) ** 2, weights=counts) / n))
    return mean - half, mean + half


def binned_quantile_interval(
    share: float, lower: Floats, upper: Floats, counts: Floats, n: int
) -> tuple[float, float] | None:
    """Both ends for a quantile of n rows in rising bins, by order statistics; None where they lie beyond the rows."""
    reach = Z_95 * float(np.sqrt(share * (1 - share) / n)) if n else 1.0
    if share - reach <= 0 or share + reach >= 1 or counts.sum() <= 0:
        return None
    passed = np.concatenate(([0.0], np.cumsum(counts))) / counts.sum()
    edges = np.concatenate((lower[:1], upper))
    low, high = np.interp([share - reach, share + reach], passed, edges)
    return float(low), float(high)


def normal_interval(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Both ends for values with a standard error; NaN where it is unknown."""
    return value - Z_95 * error, value + Z_95 * error


def student_quantile(freedom: Floats) -> Floats:
    """The 97.5 % quantile of Student's t at degrees of freedom of 2 or more; NaN below.

    The normal quantile's expansion in 1 / freedom (Abramowitz and Stegun 26.7.5): 0.8 % short at 2, 0.1 % at 3.
    """
    z = Z_95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = z + sum(term / freedom**power for power, term in enumerate(terms, 1))
    return np.where(freedom >= 2, found, np.nan)


@dataclass(frozen=True, slots=True)
class PairedSums:
    """Of weighted differences in [-1, 1]: what their mean and its interval follow from.

    `products` is the sum of w^2 times the difference, `squares` that of w^2 times its square; of those that are not 0
    there are `deciding`, with `plain` the sum of their squares, and `partial` of them are neither 1 nor -1.
    """

    n: Floats
    weight: Floats
    weights: Floats
    gaps: Floats
    products: Floats
    squares: Floats
    deciding: Floats
    plain: Floats
    partial: Floats


def paired_interval(sums: PairedSums) -> tuple[Floats, Floats, Floats, Floats]:
    """Low, high, Student's t and its degrees of freedom; no interval of differences by a part that are worth under 20.

    Where answers are right or wrong, most pairs tie and a few decide, so one pair more is counted for either side
    (Bonett and Price 2012, after Laplace): all ties then say "little", not "nothing, for certain".
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(sums.deciding > 0, np.sqrt(sums.plain / sums.deciding), 1.0)
        lattice = (sums.partial == 0) | (2 * sums.deciding < sums.n)
        more = np.where(lattice, sums.weights / sums.weight, 0.0)  # the weight of each of the two pairs
        whole, rows = sums.weight + 2 * more, sums.n + 2 * lattice
        middle = sums.gaps / whole
        residual = sums.squares - 2 * middle * sums.products + middle**2 * sums.weights
        residual = np.maximum(residual, 0) + 2 * more**2 * (step**2 + middle**2)
        error = np.sqrt(residual * rows / (rows - 1)) / whole
        freedom = whole**2 / (sums.weights + 2 * more**2) - 1
        sure = sums.weight**2 / sums.weights >= MIN_PAIRS
        wide = np.where(lattice, Z_95, np.where(sure, student_quantile(freedom), np.nan))
        return np.maximum(middle - wide * error, -1), np.minimum(middle + wide * error, 1), middle / error, freedom


def student_p_value(t: Floats, freedom: Floats) -> Floats:
    """The chance that Student's t lies as far from 0 as `t` or farther; NaN where `t` is.

    By the normal deviate of equal chance (Wallace 1959), up to t = 3.5: 1 % off at 10 degrees of freedom, 0.2 % at 30.
    """
    share = (8 * freedom + 1) / (8 * freedom + 3)
    return normal_p_value(share * np.sqrt(freedom * np.log1p(t * t / freedom)))


def normal_p_value(z: Floats) -> Floats:
    """The chance that a normal deviate lies as far from 0 as `z` or farther."""
    return np.asarray(_ERFC(z / np.sqrt(2)), dtype=np.float64)


FAMILYWISE_ALPHA = 0.05  # of looks in which anything at all may be said that is not so


def holm_adjust(chances: ArrayLike) -> Floats:
    """Each p-value as it counts among all of them along the last axis, in the same order; at most 1 (Holm 1979).

    What stays under ALPHA may be said: where nothing is so, all looks but that share say nothing, however the figures
    depend on one another. Not a number is no figure, and is not counted.

    >>> holm_adjust([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    >>> holm_adjust([0.011, float("nan"), 0.01]).tolist()
    [0.02, nan, 0.02]
    """
    found = np.asarray(chances, dtype=np.float64)
    order = np.argsort(found, axis=-1)  # NaN last
    ranked = np.take_along_axis(found, order, axis=-1)
    looks = np.isfinite(found).sum(axis=-1, keepdims=True)
    corrected = np.maximum.accumulate(ranked * np.maximum(looks - np.arange(found.shape[-1]), 1), axis=-1)
    held = np.empty_like(ranked)
    np.put_along_axis(held, order, np.minimum(corrected, 1), axis=-1)
    return held


def normal_upper_tail(z: float) -> float:
    """How likely a normal figure lies at least z standard errors above what it is held against."""
    return 0.5 * erfc(z / sqrt(2))


def paired_p_value(total: float, squares: float, absolute: float) -> float:
    """How likely differences of pairs add up so far from nothing in either direction, where neither side is better.

    Given their sum, the sum of their squares and that of their sizes, weights included. Every sign is as likely as the
    other, so the squares alone say how far the sum strays: McNemar's test (1947) with Edwards's correction (1948), of
    graded and weighted pairs too.

    >>> round(paired_p_value(-10, 10, 10), 4)  # ten pairs differ, all one way
    0.0044
    """
    if not squares or not absolute:
        return 1.0
    usual = squares / absolute  # what one pair that differs weighs
    return min(1.0, 2 * normal_upper_tail(max(abs(total) - usual, 0) / sqrt(squares)))


def binomial_upper_tail(k: int, n: int, share: float) -> float:
    """How likely at least k of n rows are met, where each is with the chance `share` (exact binomial tail).

    >>> round(binomial_upper_tail(3, 30, 0.02), 4)
    0.0217
    """
    if k <= 0 or share >= 1:
        return 1.0
    if k > n or share <= 0:
        return 0.0
    first = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(share) + (n - k) * log(1 - share)
    met = np.arange(k, n)
    ratios = np.log(n - met) - np.log(met + 1) + log(share / (1 - share))  # of each term to the one before it
    tail = float(np.exp(first + np.cumsum(np.concatenate(([0.0], ratios)))).sum())  # the first alone may underflow
    return min(1.0, tail)


BIN_GROUPS = 10


@dataclass(frozen=True, slots=True)
class EffectSizes:
    """`psi` (0 and more), `js` (Jensen-Shannon divergence in bits, 0 to 1), `w1` (Wasserstein, in the bins' unit)."""

    psi: float
    js: float
    w1: float


def effect_sizes_of(
    lower: Sequence[float], upper: Sequence[float], before: Sequence[float], after: Sequence[float]
) -> EffectSizes:
    """The sizes, of counts `before` and `after` in bins from `lower` to `upper`; NaN where one side is empty."""
    one, other = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if not one.sum() or not other.sum():
        return EffectSizes(float("nan"), float("nan"), float("nan"))
    middle = (np.asarray(lower, dtype=np.float64) + np.asarray(upper, dtype=np.float64)) / 2
    return EffectSizes(_psi(one, other), _js(one / one.sum(), other / other.sum()), _w1(middle, one, other))


def _psi(one: Floats, other: Floats) -> float:
    """Population stability index over ten groups of bins, equal before as far as can be; half a count added to each."""
    group = np.minimum((one.cumsum() - one / 2) / one.sum() * BIN_GROUPS, BIN_GROUPS - 1).astype(np.int64)
    grouped = np.stack([np.bincount(group, each, BIN_GROUPS) for each in (one, other)])
    some = grouped[:, grouped.any(axis=0)] + 0.5
    p, q = some / some.sum(axis=1, keepdims=True)
    return float(((q - p) * np.log(q / p)).sum())


def _js(p: Floats, q: Floats) -> float:
    """Half the divergences of both from their mean."""
    mean = (p + q) / 2
    return float((_relative(p, mean) + _relative(q, mean)) / 2)


def _relative(p: Floats, q: Floats) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


def _w1(middle: Floats, one: Floats, other: Floats) -> float:
    """The area between the cumulative distributions."""
    order = np.argsort(middle)
    apart = np.abs((one[order] / one.sum() - other[order] / other.sum()).cumsum())
    return float((apart[:-1] * np.diff(middle[order])).sum())
