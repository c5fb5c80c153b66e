"""How likely a figure is by chance, and what of that holds over all figures that are looked at together."""

from math import erfc, exp, lgamma, log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from controlsurface.arrays import Floats

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
    odds = share / (1 - share)
    term = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(share) + (n - k) * log(1 - share))
    tail = 0.0
    for i in range(k, n + 1):
        tail += term
        term *= odds * (n - i) / (i + 1)
        if i > n * share and term < tail * 1e-12:
            break
    return min(1.0, tail)
