"""Intervals at 95 % of many figures at once; the same formulas as in the SQL of a single metric."""

from math import erfc

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Z = 1.959963984540054

SURE = 500  # rows by Kish's count of which the linearised variance may make twice as many

_ERFC = np.frompyfunc(erfc, 1, 1)


def wilson(share: Floats, effective: Floats) -> tuple[Floats, Floats]:
    """Both ends of Wilson's score interval (Wilson 1927) for shares of `effective` rows; NaN where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z * np.sqrt(np.maximum(share * (1 - share), 0) / effective + (Z / 2 / effective) ** 2)
        middle, scale = share + Z * Z / 2 / effective, 1 + Z * Z / effective
        return np.maximum((middle - half) / scale, 0), np.minimum((middle + half) / scale, 1)


def normal(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Both ends for values with a standard error; NaN where it is unknown."""
    return value - Z * error, value + Z * error


def student(freedom: Floats) -> Floats:
    """The 97.5 % quantile of Student's t at degrees of freedom of 2 or more; NaN below.

    The normal quantile's expansion in 1 / freedom (Abramowitz and Stegun 26.7.5): 0.8 % short at 2, 0.1 % at 3.
    """
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = z + sum(term / freedom**power for power, term in enumerate(terms, 1))
    return np.where(freedom >= 2, found, np.nan)


def two_sided(t: Floats, freedom: Floats) -> Floats:
    """The chance that Student's t lies as far from 0 as `t` or farther; NaN where `t` is.

    By the normal deviate of equal chance (Wallace 1959): 1 % off at 10 degrees of freedom, 0.2 % at 30.
    """
    share = (8 * freedom + 1) / (8 * freedom + 3)
    return tail(share * np.sqrt(freedom * np.log1p(t * t / freedom)))


def tail(z: Floats) -> Floats:
    """The chance that a normal deviate lies as far from 0 as `z` or farther."""
    return np.asarray(_ERFC(z / np.sqrt(2)), dtype=np.float64)
