"""By how much the grades of two answers of one request differ: a weighted mean with its interval and its chance."""

import numpy as np

from controlsurface.audit.estimate import FEWEST, Estimate, Floats, Z, estimated
from controlsurface.metrics.intervals import student, two_sided

_METHOD = "paired difference, Bonett and Price's interval, or Student's where most pairs differ by a part"


def difference(gaps: Floats, weights: Floats) -> tuple[Estimate, float | None]:
    """The weighted mean of differences in [-1, 1], and the chance of one as large if there were none.

    Where answers are right or wrong, most pairs tie and a few decide, so one pair more is counted for either side
    (Bonett and Price 2012, after Laplace): all ties then say "little", not "nothing, for certain". The chance is that
    of Student's t, two-sided; None without pairs.
    """
    value, low, high, effective, chance = (float(each) for each in difference_of(gaps, weights))
    found = estimated(value, low, high, int((weights > 0).sum()), effective, _METHOD)
    return found, None if np.isnan(chance) else chance


def difference_of(gaps: Floats, weights: Floats) -> Floats:
    """Value, low, high, effective n and chance, stacked first, over the last axis; rows of weight 0 do not count."""
    total, squares = weights.sum(axis=-1), (weights**2).sum(axis=-1)
    decides = (weights > 0) & (gaps != 0)
    n, deciding = (weights > 0).sum(axis=-1), decides.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(deciding > 0, np.sqrt((gaps**2 * decides).sum(axis=-1) / deciding), 1.0)
        lattice = ((np.abs(gaps) == 1) | ~decides).all(axis=-1) | (2 * deciding < n)
        more = np.where(lattice, squares / total, 0.0)  # the weight of each of the two pairs
        whole, rows = total + 2 * more, n + 2 * lattice
        middle = (weights * gaps).sum(axis=-1) / whole
        residual = (weights**2 * (gaps - middle[..., None]) ** 2).sum(axis=-1) + 2 * more**2 * (step**2 + middle**2)
        error = np.sqrt(residual * rows / (rows - 1)) / whole
        effective = total**2 / squares
        freedom = whole**2 / (squares + 2 * more**2) - 1
        wide = np.where(lattice, Z, np.where(effective >= FEWEST, student(freedom), np.nan))
        low, high = np.maximum(middle - wide * error, -1), np.minimum(middle + wide * error, 1)
        chance = two_sided(middle / error, freedom)
        stacked = np.stack([(weights * gaps).sum(axis=-1) / total, low, high, effective, chance])
    return np.where(n > 0, stacked, np.nan)
