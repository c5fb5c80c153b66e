"""By how much the grades of two answers of one request differ: a weighted mean with its interval and its chance."""

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.audit.statistics.weighted_estimate import Estimate, make_estimate
from controlsurface.metrics.statistics.intervals import PairedSums, paired_interval, student_p_value

_METHOD = "paired difference, Bonett and Price's interval, or Student's where most pairs differ by a part"


def paired_difference_estimate(gaps: Floats, weights: Floats) -> tuple[Estimate, float | None]:
    """The weighted mean of differences in [-1, 1], and the chance of one as large if there were none.

    The chance is that of Student's t, two-sided; None without pairs.
    """
    value, low, high, effective, chance = (float(each) for each in paired_difference_of(gaps, weights))
    found = make_estimate(value, low, high, int((weights > 0).sum()), effective, _METHOD)
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
