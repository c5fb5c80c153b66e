"""What a confidence is worth: reliability, ECE without its chance part, Brier, ranking, and an isotonic map."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from controlsurface.arrays import Floats, Ints
from controlsurface.audit.statistics.weighted_estimate import Estimate, estimate_share, make_estimate
from controlsurface.metrics.statistics import Z_95, normal_p_value, wilson_interval


@dataclass(frozen=True, slots=True)
class IsotonicMap:
    """A step from each score in `x` (ascending) to the probability in `y`; between two scores the line between them."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities; scores outside the fitted range get those of its ends."""
        return np.interp(scores, self.x, self.y)


def fit_isotonic(scores: Floats, correct: Floats, weights: Floats) -> IsotonicMap:
    """The non-decreasing map nearest to the outcomes in weighted squares (Ayer et al. 1955). Needs one row."""
    x, place = np.unique(scores, return_inverse=True)
    weight = np.bincount(place, weights).astype(np.float64)
    value, size = pool_adjacent_violators(np.bincount(place, weights * correct) / weight, weight)
    ends = np.cumsum(size) - 1
    starts = ends - size + 1
    kept = np.unique(np.concatenate([starts, ends]))
    return IsotonicMap(tuple(x[kept].tolist()), tuple(np.repeat(value, size)[kept].tolist()))


def pool_adjacent_violators(values: Floats, weights: Floats) -> tuple[Floats, Ints]:
    """The isotonic blocks of a sequence: their values, and how many entries each holds."""
    size = np.ones(len(values), dtype=np.int64)
    while True:
        starts = np.flatnonzero(np.concatenate([[True], values[1:] > values[:-1]]))
        if len(starts) == len(values):
            return values, size
        total = np.add.reduceat(values * weights, starts)
        weights = np.add.reduceat(weights, starts)
        size = np.add.reduceat(size, starts)
        values = total / weights


CALIBRATED_BIN_PROBABILITY = 0.15  # the chance that a bin is calibrated whose difference may be chance
LOWER_END_SHRINKAGE = 0.4  # how far the low end starts on the way to the error that is left if all such bins are


class BinSums(NamedTuple):
    """Sums over rows by bin, bins last: weights, weighted confidences and grades, squared weights."""

    weight: Floats
    confidence: Floats
    correct: Floats
    squares: Floats


def calibration_error_of(bins: BinSums) -> Floats:
    """The error, low and high, stacked first."""
    mass, x, d, noise = _differences(bins)
    s = np.sqrt(noise)
    size = (mass * np.abs(d)).sum(axis=-1)
    chance = _excess(_likely_differences(mass, x, d, noise), s)
    unsure = np.abs(d) < Z_95 * s
    least = np.where(unsure, _excess(np.zeros_like(d), s), _excess(d, s))
    mixed = np.where(unsure, CALIBRATED_BIN_PROBABILITY * least + (1 - CALIBRATED_BIN_PROBABILITY) * chance, chance)
    error, most, least = (size - (mass * each).sum(axis=-1) for each in (mixed, chance, least))
    half = Z_95 * np.sqrt((mass**2 * noise).sum(axis=-1))
    low, high = error - LOWER_END_SHRINKAGE * np.maximum(error - least, 0) - half, np.maximum(most, error) + half
    return np.asarray(np.clip(np.stack([error, low, high]), 0, 1))


def _differences(bins: BinSums) -> tuple[Floats, Floats, Floats, Floats]:
    """Each bin's share, confidence, difference of confidence and outcome, and its variance; an empty bin's are 0.

    The outcome's variance is that of one right and one wrong answer more, so that ten right of ten still have one.
    """
    filled = bins.weight > 0
    weight, squares = np.where(filled, bins.weight, 1.0), np.where(filled, bins.squares, 1.0)
    stated, seen = bins.confidence / weight, bins.correct / weight
    rows = weight**2 / squares
    likely = (seen * rows + 1) / (rows + 2)
    noise = np.where(filled, likely * (1 - likely) / rows, 0.0)
    return bins.weight / bins.weight.sum(axis=-1, keepdims=True), stated, stated - seen, noise


def _likely_differences(mass: Floats, x: Floats, d: Floats, noise: Floats) -> Floats:
    """The bins' differences as far as they are more than chance."""

    def total(each: Floats) -> Floats:
        return np.asarray(each.sum(axis=-1, keepdims=True))

    apart = x - total(mass * x)
    width = np.maximum(total(mass * apart**2), 1e-12)
    line = total(mass * d) + total(mass * apart * d) / width * apart
    by_chance = total(mass * noise) - total(mass**2 * noise) - total(mass**2 * apart**2 * noise) / width
    spread = np.maximum(total(mass * (d - line) ** 2) - by_chance, 0)
    return np.asarray(line + spread / np.maximum(spread + noise, 1e-12) * (d - line))


def _excess(d: Floats, s: Floats) -> Floats:
    """E|N(d, s)| - |d|."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.abs(d) / s
        density = np.sqrt(2 / np.pi) * s * np.exp(-z * z / 2)
        return np.where(s > 0, density - np.abs(d) * normal_p_value(z), 0.0)


MIN_GRADED_ANSWERS = 500  # graded answers under which ECE is mostly its own noise
MIN_RANKED_ANSWERS = 10  # right answers, and wrong ones, under which a ranking has no interval
BIN_COUNT = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Requests whose confidence lies from `lower` to below `upper` (the last: to it, included)."""

    lower: float
    upper: float
    confidence: float
    correct: Estimate


@dataclass(frozen=True, slots=True)
class CalibrationErrors:
    """ECE as it was measured, what perfect calibration would show of it by chance, and the Brier score with its parts.

    `ece_corrected` is the estimate to believe, with its interval: chance adds much to a small error and little to a
    large one. Parts are Murphy's (1973):
    brier = reliability - resolution + uncertainty + within: what varies inside the bins (Stephenson et al. 2008).
    """

    ece: float
    ece_bias: float
    ece_corrected: float
    ece_low: float
    ece_high: float
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """`refused` says why there are no `errors`. `ranking` needs no probability."""

    n: int
    refused: str | None
    bins: tuple[ReliabilityBin, ...]
    errors: CalibrationErrors | None
    ranking: Estimate | None
    map: IsotonicMap | None


def measure_calibration(
    confidence: Floats, correct: Floats, weights: Floats, kind: str = "probability"
) -> CalibrationResult:
    """Of confidences and the grades (0 to 1) of the answers they were given to; `kind` as in `confidence_kind`."""
    n, values = len(confidence), len(np.unique(confidence))
    refused = calibration_refusal(n, values, kind)
    if n == 0:
        return CalibrationResult(0, refused, (), None, None, None)
    cells = _cells(confidence, kind)
    bins = tuple(_bins(confidence, correct, weights, *cells))
    errors = None if refused else _errors(confidence, correct, weights, cells[0])
    is_scale = n >= MIN_GRADED_ANSWERS and values > BIN_COUNT
    fitted = fit_isotonic(confidence, correct, weights) if is_scale else None
    return CalibrationResult(n, refused, bins, errors, ranking_auc(confidence, correct, weights), fitted)


def calibration_refusal(n: int, values: int, kind: str) -> str | None:
    """Why calibration errors are not given of `n` answers with so many different confidences; None: they are."""
    if n < MIN_GRADED_ANSWERS:
        return f"{n} graded answers; under {MIN_GRADED_ANSWERS} the figure would be mostly noise"
    if kind != "probability":
        return f"a {kind} is not a probability: it can rank answers, and an isotonic map can make it one"
    if values <= BIN_COUNT:
        return f"only {values} different values: these are levels, not a scale; read them one by one"
    return None


def ranking_auc(confidence: Floats, correct: Floats, weights: Floats | None = None) -> Estimate | None:
    """AUC: how often a right answer has the higher confidence of a right and a wrong one, ties half (Mann-Whitney).

    The variance is DeLong's (1988) of weighted answers, the interval Wilson's on what that is worth; none where fewer
    than MIN_RANKED_ANSWERS are right or wrong. A grade of one half or more is right. None where all are of one sort.
    """
    right, p = correct >= 0.5, np.ones_like(confidence) if weights is None else weights
    if right.all() or not right.any():
        return None
    over = _places(confidence, p * ~right)[right]
    under = 1 - _places(confidence, p * right)[~right]
    auc = float(np.average(over, weights=p[right]))
    variance = _variance_of_mean(over, p[right]) + _variance_of_mean(under, p[~right])
    least = min(float(each.sum() ** 2 / (each @ each)) for each in (p[right], p[~right]))
    effective = auc * (1 - auc) / variance if variance > 0 else least
    ends = (float(each[0]) for each in wilson_interval(np.array([auc]), np.array([effective])))
    low, high = ends if least >= MIN_RANKED_ANSWERS else (np.nan, np.nan)
    return make_estimate(auc, low, high, len(confidence), effective, "AUC, DeLong, Wilson interval")


def _places(confidence: Floats, weights: Floats) -> Floats:
    """The share of the weight that lies under each confidence, ties half."""
    _, place = np.unique(confidence, return_inverse=True)
    own = np.bincount(place, weights)
    return np.asarray(((np.cumsum(own) - own / 2) / own.sum())[place])


def _variance_of_mean(values: Floats, weights: Floats) -> float:
    """The variance of a weighted mean, by linearisation."""
    p = weights / weights.sum()
    return float(((p * (values - p @ values)) ** 2).sum()) * len(p) / max(len(p) - 1, 1)


def _cells(confidence: Floats, kind: str) -> tuple[Ints, Floats, Floats]:
    """Each row's bin, the bins' lower and upper edges: ten of one width, or one a value where there are so few."""
    values = np.unique(confidence)
    if len(values) <= BIN_COUNT:
        return np.searchsorted(values, confidence).astype(np.int64), values, values
    ends = (0.0, 1.0) if kind == "probability" else (float(values[0]), float(values[-1]))
    edges = np.linspace(*ends, BIN_COUNT + 1)
    place = np.clip(np.searchsorted(edges, confidence, "right") - 1, 0, BIN_COUNT - 1).astype(np.int64)
    return place, edges[:-1], edges[1:]


def _bins(
    confidence: Floats, correct: Floats, weights: Floats, cell: Ints, lower: Floats, upper: Floats
) -> Iterator[ReliabilityBin]:
    """The bins that hold something."""
    for i in np.unique(cell):
        mine = cell == i
        stated = float(np.average(confidence[mine], weights=weights[mine]))
        yield ReliabilityBin(float(lower[i]), float(upper[i]), stated, estimate_share(correct[mine], weights[mine]))


def _errors(confidence: Floats, correct: Floats, weights: Floats, cell: Ints) -> CalibrationErrors:
    """All sums over rows and over bins; by chance ECE is sqrt(2 / pi) sum_b sqrt(sum c (1 - c)) / n."""
    p = weights / weights.sum()
    sums = np.stack([np.bincount(cell, p * each, BIN_COUNT) for each in (np.ones_like(p), confidence, correct, p)])
    corrected, low, high = (float(each) for each in calibration_error_of(BinSums(*sums)))
    mass, stated, seen, _ = sums[:, sums[0] > 0]
    stated, seen = stated / mass, seen / mass
    base = float(p @ correct)
    noise = np.bincount(cell, p * p * confidence * (1 - confidence), BIN_COUNT)
    bias = float(np.sqrt(2 / np.pi) * np.sqrt(noise).sum())
    ece = float(mass @ np.abs(stated - seen))
    brier = float(p @ (confidence - correct) ** 2)
    reliability, resolution = float(mass @ (stated - seen) ** 2), float(mass @ (seen - base) ** 2)
    uncertainty = base * (1 - base)
    within = brier - (reliability - resolution + uncertainty)
    return CalibrationErrors(ece, bias, corrected, low, high, brier, reliability, resolution, uncertainty, within)
