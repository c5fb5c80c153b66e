"""How much of a metric's change a set of rows explains: its excess over the baseline's rate and mix, with its bound."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce
from math import sqrt

from controlsurface.metrics.contributors.contributor_ranking import SplitSums
from controlsurface.metrics.statistics import Z_95


@dataclass(frozen=True, slots=True)
class ExplainedShare:
    """`excess`: what a set added to the metric's numerator over what it would have had, in the numerator's unit.

    `share` is its part of the whole excess, `low` and `high` its 95 % interval; null where the change is within chance.
    """

    excess: float
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class _Pair:
    """Variances of a set's excess and of the whole's, and their covariance."""

    own: float
    whole: float
    both: float


def add_sums(parts: Sequence[SplitSums]) -> SplitSums:
    """The sums of several sets of rows together, which have no row in common."""
    empty = SplitSums(*[0.0] * len(fields(SplitSums)))
    return reduce(
        lambda one, other: SplitSums(*(getattr(one, f.name) + getattr(other, f.name) for f in fields(SplitSums))),
        parts,
        empty,
    )


def explained_share(own: SplitSums, whole: SplitSums, scale: float | None) -> ExplainedShare:
    """What `own` explains of the change of `whole`, of which it is a part.

    A set would have had its numerator of the baseline, for as many rows as the whole has now: at the old rate and the
    old mix. What it has more is its excess; the excesses of all values of a dimension are that of the whole. `scale` is
    what a total's baseline is multiplied by; None: a share or mean, which is held against the whole's rows.

    The interval is Fieller's (1954) of two sums over the same rows, with the linearised variances of ratios.
    """
    if scale is None and not (whole.whole_1 and whole.whole_0):
        return ExplainedShare(0.0, None, None, None)
    norm_1, norm_0 = (1 / whole.whole_1, 1 / whole.whole_0) if scale is None else (1.0, scale)
    part = own.part_1 * norm_1 - own.part_0 * norm_0
    change = whole.part_1 * norm_1 - whole.part_0 * norm_0
    pair = _variances(own, whole, (norm_1, norm_0), ratio=scale is None)
    low, high = _fieller(part, change, pair)
    known = low is not None
    return ExplainedShare(part / norm_1, part / change if known else None, low, high)


def change_z(whole: SplitSums, scale: float | None) -> float:
    """The whole change in standard errors; 0 where there is nothing to compare."""
    if scale is None and not (whole.whole_1 and whole.whole_0):
        return 0.0
    norm_1, norm_0 = (1 / whole.whole_1, 1 / whole.whole_0) if scale is None else (1.0, scale)
    spread = _variances(whole, whole, (norm_1, norm_0), ratio=scale is None).whole
    change = whole.part_1 * norm_1 - whole.part_0 * norm_0
    return change / sqrt(spread) if spread > 0 else 0.0


def _variances(own: SplitSums, whole: SplitSums, norms: tuple[float, float], *, ratio: bool) -> _Pair:
    found = [_side(own, whole, side, ratio=ratio) for side in ("1", "0")]
    weighed = [[norm**2 * each for each in parts] for norm, parts in zip(norms, found, strict=True)]
    return _Pair(*(sum(each) for each in zip(*weighed, strict=True)))


def _side(own: SplitSums, whole: SplitSums, side: str, *, ratio: bool) -> tuple[float, float, float]:
    """Of one window: the variances of both numerators about their part of the rows, and the covariance."""
    squares, all_squares = getattr(own, f"squares_{side}"), getattr(whole, f"squares_{side}")
    if not ratio:
        return squares, all_squares, squares
    rows, weights = getattr(whole, f"whole_{side}"), getattr(whole, f"weights_{side}")
    products, all_products = getattr(own, f"products_{side}"), getattr(whole, f"products_{side}")
    mine, mean = getattr(own, f"part_{side}") / rows, getattr(whole, f"part_{side}") / rows
    return (
        squares - 2 * mine * products + mine**2 * weights,
        all_squares - 2 * mean * all_products + mean**2 * weights,
        squares - mean * products - mine * all_products + mine * mean * weights,
    )


def _fieller(part: float, change: float, spread: _Pair) -> tuple[float | None, float | None]:
    """Both ends of the interval of part / change; None where the change is within chance, and the share unbounded."""
    square = Z_95**2
    a = change**2 - square * spread.whole
    if a <= 0 or not change:
        return None, None
    b = part * change - square * spread.both
    c = part**2 - square * spread.own
    half = sqrt(max(b**2 - a * c, 0.0))
    return (b - half) / a, (b + half) / a
