"""Intervals at 95 % of many figures at once; the same formulas as in the SQL of a single metric."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Z = 1.959963984540054


def wilson(share: Floats, effective: Floats) -> tuple[Floats, Floats]:
    """Both ends of Wilson's score interval (Wilson 1927) for shares of `effective` rows; NaN where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z * np.sqrt(np.maximum(share * (1 - share), 0) / effective + (Z / 2 / effective) ** 2)
        middle, scale = share + Z * Z / 2 / effective, 1 + Z * Z / effective
        return np.maximum((middle - half) / scale, 0), np.minimum((middle + half) / scale, 1)


def normal(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Both ends for values with a standard error; NaN where it is unknown."""
    return value - Z * error, value + Z * error
