"""The expected calibration error without what chance adds to it, and its interval: right at 0 and far from it.

By bin, the difference of what was stated and what was seen is a little off either way, and its size mostly too large:
by E|N(d, s)| - |d|, which is 0.8 s where d is 0 and nothing where d is far above s. So the d of each bin decides what
is taken off. It is estimated by empirical Bayes (Efron and Morris 1973): differences along a line of confidence, and
about it as far as they vary more than chance has them vary. What is taken off everywhere alike, as if all bins were
calibrated, halves a true 0.1 of 500 answers.
"""

from typing import NamedTuple

import numpy as np

from controlsurface.audit.estimate import Floats, Z
from controlsurface.metrics.intervals import tail


class Bins(NamedTuple):
    """Sums over rows by bin, bins last: weights, weighted confidences and grades, squared weights."""

    weight: Floats
    confidence: Floats
    correct: Floats
    squares: Floats


def error_of(bins: Bins) -> Floats:
    """The error, low and high, stacked first."""
    mass, x, d, noise = _differences(bins)
    s = np.sqrt(noise)
    size = (mass * np.abs(d)).sum(axis=-1)
    likely, whole_line = _likely(mass, x, d, noise)
    unsure = np.where(np.abs(d) < Z * s, 0.0, d)  # these bins may be calibrated
    error, most, least = (size - (mass * _excess(each, s)).sum(axis=-1) for each in (likely, whole_line, unsure))
    half = Z * np.sqrt((mass**2 * noise).sum(axis=-1))
    low, high = np.minimum(least, error) - half, np.maximum(most, error) + half
    return np.asarray(np.clip(np.stack([error, low, high]), 0, 1))


def _differences(bins: Bins) -> tuple[Floats, Floats, Floats, Floats]:
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


def _likely(mass: Floats, x: Floats, d: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """The bins' differences as far as they are more than chance; and the same were the line no chance at all."""

    def total(each: Floats) -> Floats:
        return np.asarray(each.sum(axis=-1, keepdims=True))

    apart = x - total(mass * x)
    width = np.maximum(total(mass * apart**2), 1e-12)
    middle, slope = total(mass * d), total(mass * apart * d) / width
    doubts = total(mass**2 * noise), total(mass**2 * apart**2 * noise) / width**2
    by_chance = total(mass * noise) - doubts[0] - doubts[1] * width
    spread = np.maximum(total(mass * (d - middle - slope * apart) ** 2) - by_chance, 0)
    shrunk = _sure(middle, doubts[0]) * middle + _sure(slope, doubts[1]) * slope * apart
    own = spread / np.maximum(spread + noise, 1e-12)
    likely, whole_line = (line + own * (d - line) for line in (shrunk, middle + slope * apart))
    return likely, whole_line


def _sure(value: Floats, variance: Floats) -> Floats:
    """How much of a value is more than chance."""
    return np.asarray(np.maximum(value**2 - variance, 0) / np.maximum(value**2, 1e-300))


def _excess(d: Floats, s: Floats) -> Floats:
    """E|N(d, s)| - |d|."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.abs(d) / s
        density = np.sqrt(2 / np.pi) * s * np.exp(-z * z / 2)
        return np.where(s > 0, density - np.abs(d) * tail(z), 0.0)
