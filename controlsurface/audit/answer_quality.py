"""What people and grades say of pairs, stratum by stratum; where they are silent, agreement of the lanes stands in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from controlsurface.arrays import Flags, Floats
from controlsurface.audit.answer_pairs import (
    code_column,
    float_column,
    in_covered_strata,
    row_strata,
    stratified_weights,
)
from controlsurface.audit.statistics.weighted_estimate import (
    Estimate,
    estimate_share,
    paired_difference_estimate,
    ppi_mean,
)


@dataclass(frozen=True, slots=True)
class PairQuality:
    """How good both answers are, and by how much the large lane's is better where both were graded.

    `graded` and `by_agreement` are the pairs these rest on, `graded_share` the part of the requests that graded strata
    stand for. Agreement says how good an answer is, never that the large lane's is worse: `gap` and `chance` are of
    graded strata alone.
    """

    graded: int
    by_agreement: int
    graded_share: float
    production: float | None
    shadow: float | None
    gap: Estimate
    chance: float | None


@dataclass(frozen=True, slots=True)
class HumanDisagreement:
    """What people would say of all pairs: a share of the requests by their labels, the rest by the comparator."""

    figure: Estimate
    n: int
    share: float


def human_disagreement(part: pa.Table, differs: Floats, weights: Floats) -> HumanDisagreement | None:
    """Disagreement as people see it, from what they said of some pairs and the comparator of all; None without labels.

    Labels speak for their own stratum. Where the comparator is silent on one that people labelled, people alone speak
    there.
    """
    said, cells = float_column(part, "people_disagree"), row_strata(part)
    labelled, told = np.isfinite(said), np.isfinite(differs)
    if not labelled.any():
        return None
    covered = in_covered_strata(cells, labelled)
    own = stratified_weights(weights, cells, labelled, covered)
    if (told & labelled).sum() < labelled.sum():
        theirs = estimate_share(said[labelled], own[labelled])
    else:
        alone = covered & ~in_covered_strata(cells, covered & told & ~labelled)  # all of the stratum is labelled
        rest = covered & told & (~labelled | alone)
        others = stratified_weights(weights, cells, rest, covered)
        theirs = ppi_mean(said[labelled], differs[labelled], differs[rest], own[labelled], others[rest])
    apart = told & ~covered
    of_all = float(weights[covered].sum() / (weights[covered].sum() + weights[apart].sum()))
    figure = combine_estimates(theirs, estimate_share(differs[apart], weights[apart]), of_all)
    return HumanDisagreement(figure, int(labelled.sum()), of_all)


def pair_quality(part: pa.Table, differs: Floats, weights: Floats, large: Sequence[str]) -> PairQuality:
    """The grades of a slice's pairs."""
    given, shadow, cells = float_column(part, "answer_grade"), float_column(part, "shadow_grade"), row_strata(part)
    from_large, to_large = _lanes(part, large), float_column(part, "shadow_large") > 0
    graded = np.isfinite(given) & np.isfinite(shadow)
    covered = in_covered_strata(cells, graded)
    compared = np.isfinite(differs) & ~covered
    own = stratified_weights(weights, cells, graded, covered)
    crossed = graded & (from_large != to_large)
    gaps = np.where(from_large, given - shadow, shadow - given)
    gap, chance = paired_difference_estimate(gaps[crossed], own[crossed])
    same, stands, known = 1 - differs, own + np.where(compared, weights, 0.0), graded | compared
    production, again = (
        estimate_share(np.where(graded, grade, np.where(of_large, 1.0, same))[known], stands[known]).value
        for grade, of_large in ((given, from_large), (shadow, to_large))
    )
    if not graded.any():
        return PairQuality(0, 0, 0.0, None, None, gap, chance)
    of_all = float(weights[covered].sum() / weights.sum())
    return PairQuality(int(graded.sum()), int(compared.sum()), of_all, production, again, gap, chance)


def combine_estimates(one: Estimate, other: Estimate, part: float) -> Estimate:
    """The figure of a whole of which `part` is of the first and the rest of the second figure, which are independent.

    The interval is that of Zou and Donner (2008), from the two intervals.
    """
    if part >= 1 or one.value is None or other.value is None:
        return one
    value = part * one.value + (1 - part) * other.value
    low, high = (_end(one, other, part, value, end) for end in ("low", "high"))
    method = f"{one.method}; {1 - part:.0%} by the comparator"
    return Estimate(value, low, high, one.n, one.effective, method)


def _end(one: Estimate, other: Estimate, part: float, value: float, end: str) -> float | None:
    """One end of the interval of a sum."""
    ends = [getattr(each, end) for each in (one, other)]
    if None in ends or one.value is None or other.value is None:
        return None
    far = float(np.hypot(part * (ends[0] - one.value), (1 - part) * (ends[1] - other.value)))
    return max(0.0, value - far) if end == "low" else min(1.0, value + far)


def _lanes(part: pa.Table, large: Sequence[str]) -> Flags:
    """Which answers came from a large lane."""
    lanes, names = code_column(part, "lane")
    return np.asarray(np.array([name in large for name in names])[lanes])
