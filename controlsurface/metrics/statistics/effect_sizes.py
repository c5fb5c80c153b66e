"""How far apart two distributions are, from counts in the same bins: sizes to be shown, not tests.

None of them says how likely it is by chance: at 200 requests a PSI above 0.1 is usual where nothing changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controlsurface.arrays import Floats

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
