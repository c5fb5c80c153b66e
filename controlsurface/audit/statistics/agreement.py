"""How far two judges agree: raw, Gwet's AC1 and Cohen's kappa. Kappa is shown and never alerted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.audit.statistics.weighted_estimate import estimate_share, number_or_none
from controlsurface.metrics.statistics import Z_95


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares of agreement with 95 % intervals over `n` items; None where nothing can be said.

    AC1 corrects for chance and, unlike kappa, does not fall to 0 where nearly all items are of one category.
    """

    n: int
    raw: float | None
    low: float | None
    high: float | None
    ac1: float | None
    ac1_low: float | None
    ac1_high: float | None
    kappa: float | None
    categories: int


def measure_agreement(first: Sequence[str | None], second: Sequence[str | None]) -> Agreement:
    """Two judges' categories of the same items, in one order; an item that one of them did not judge is left out."""
    both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not both:
        return Agreement(0, None, None, None, None, None, None, None, 0)
    _, codes = np.unique(np.array(both), return_inverse=True)
    left, right = codes.reshape(-1, 2).T
    return weighted_agreement(left, right, left == right, np.ones(len(left)))


def weighted_agreement(first: Ints, second: Ints, agrees: Flags, weights: Floats) -> Agreement:
    """The same for categories as numbers from 0, where `agrees` may be laxer than equality, and rows have weights.

    Gwet (2008), with the variance of the weighted ratio by linearisation, item by item.
    """
    raw = estimate_share(agrees.astype(np.float64), weights)
    q = int(max(first.max(), second.max())) + 1
    p = weights / weights.sum()
    shares = _shares(first, second, p, q)
    kappa = _corrected(float(p @ agrees), float((shares[0] * shares[1]).sum()))
    ac1, low, high = _ac1(first, second, agrees, p, shares.mean(axis=0))
    return Agreement(len(first), raw.value, raw.low, raw.high, ac1, low, high, kappa, q)


def _ac1(
    first: Ints, second: Ints, agrees: Flags, p: Floats, shares: Floats
) -> tuple[float | None, float | None, float | None]:
    """AC1 and its interval; unknown with a single category.

    The interval is that of four items more, as Agresti and Coull (1998) have it for a share: two of agreement, in the
    categories as they are frequent, and two that part the two most frequent. Full agreement of few items is no proof.
    """
    value, _ = _linearised(first, second, agrees, p, shares)
    if value is None:
        return None, None, None
    size = float(p @ p)  # the weight of an average item
    each, (top, next_) = np.arange(len(shares)), np.argsort(-shares, kind="stable")[:2]
    one, other = np.concatenate([first, each, [top, next_]]), np.concatenate([second, each, [next_, top]])
    both = np.concatenate([agrees, np.ones_like(each, dtype=bool), [False, False]])
    more = np.concatenate([p, 2 * size * shares, [size, size]])
    more /= more.sum()
    middle, half = _linearised(one, other, both, more, _shares(one, other, more, len(shares)).mean(axis=0))
    if middle is None:
        return value, None, None
    return value, max(-1.0, min(middle - half, value)), min(1.0, max(middle + half, value))


def _linearised(first: Ints, second: Ints, agrees: Flags, p: Floats, shares: Floats) -> tuple[float | None, float]:
    """AC1 and half the interval of its linearised variance."""
    if len(shares) < 2:
        return None, 0.0
    by_chance = (1 - (shares[first] + shares[second]) / 2) / (len(shares) - 1)
    chance, observed = float(p @ by_chance), float(p @ agrees)
    value = _corrected(observed, chance)
    if value is None:
        return None, 0.0
    residual = ((agrees - observed) - 2 * (1 - value) * (by_chance - chance)) / (1 - chance)
    return value, Z_95 * float(np.sqrt((p * p * residual**2).sum()))


def _shares(first: Ints, second: Ints, p: Floats, q: int) -> Floats:
    """How frequent each of `q` categories is, by judge."""
    return np.stack([np.bincount(codes, p, q) for codes in (first, second)])


def _corrected(observed: float, chance: float) -> float | None:
    """Agreement beyond chance, as a share of what is possible beyond it."""
    return number_or_none((observed - chance) / (1 - chance)) if chance < 1 else None
