"""Intervals at 95 % of many figures at once; the same formulas as in the SQL of a single metric."""

from dataclasses import dataclass
from math import erfc

import numpy as np

from controlsurface.arrays import Floats

Z_95 = 1.959963984540054

MIN_NORMAL_ROWS = 500  # rows by Kish's count of which the linearised variance may make twice as many
MIN_PAIRS = 20  # or as many as weighted ones are worth

_ERFC = np.frompyfunc(erfc, 1, 1)


def wilson_interval(share: Floats, effective: Floats) -> tuple[Floats, Floats]:
    """Both ends of Wilson's score interval (Wilson 1927) for shares of `effective` rows; NaN where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z_95 * np.sqrt(np.maximum(share * (1 - share), 0) / effective + (Z_95 / 2 / effective) ** 2)
        middle, scale = share + Z_95 * Z_95 / 2 / effective, 1 + Z_95 * Z_95 / effective
        return np.maximum((middle - half) / scale, 0), np.minimum((middle + half) / scale, 1)


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
