"""The expected calibration error without what chance adds to it, and its interval: right at 0 and far from it.

By bin, the difference of what was stated and what was seen is a little off either way, and its size mostly too large:
by E|N(d, s)| - |d|, which is 0.8 s where d is 0 and nothing where d is far above s. So the d of each bin decides what
is taken off. It is estimated by empirical Bayes (Efron and Morris 1973): differences along a line of confidence, and
about it as far as they vary more than chance has them vary. A bin whose difference may be chance is by SPIKE taken to
have none, for confidences that are off in a part of their range only. What is taken off everywhere alike, as if all
bins were calibrated, halves a true 0.1 of 500 answers.
"""

from typing import NamedTuple

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.metrics.statistics.intervals import Z_95, normal_p_value

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
    chance = _excess(_likely(mass, x, d, noise), s)
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


def _likely(mass: Floats, x: Floats, d: Floats, noise: Floats) -> Floats:
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
