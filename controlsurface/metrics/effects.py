"""How far apart two distributions are, from counts in the same bins: sizes to be shown, not tests.

None of them says how likely it is by chance: at 200 requests a PSI above 0.1 is usual where nothing changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effect:
    """`psi` (0 and more), `js` (Jensen-Shannon divergence in bits, 0 to 1), `w1` (Wasserstein, in the bins' unit)."""

    psi: float
    js: float
    w1: float


def effect(lower: Sequence[float], upper: Sequence[float], before: Sequence[float], after: Sequence[float]) -> Effect:
    """The sizes, of counts `before` and `after` in bins from `lower` to `upper`; NaN where one side is empty."""
    one, other = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if not one.sum() or not other.sum():
        return Effect(float("nan"), float("nan"), float("nan"))
    middle = (np.asarray(lower, dtype=np.float64) + np.asarray(upper, dtype=np.float64)) / 2
    return Effect(_psi(one, other), _js(one / one.sum(), other / other.sum()), _w1(middle, one, other))


def _psi(one: Floats, other: Floats) -> float:
    """Population stability index, with half a count added to each bin that any side has."""
    used = (one + other) > 0
    p, q = ((each[used] + 0.5) / (each[used] + 0.5).sum() for each in (one, other))
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
