"""Prediction-powered inference: human labels on some rows and a judge's on all give one honest, narrower figure."""

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.audit.statistics.weighted_estimate import Estimate, estimate_share, make_estimate
from controlsurface.metrics.statistics.intervals import Z_95

MIN_HUMAN_LABELS = 20  # human labels under which the judge's help cannot be measured

_METHOD = "PPI++ with lambda {:.2f}"


def ppi_mean(
    truth: Floats, judged: Floats, others: Floats, weights: Floats | None = None, others_weights: Floats | None = None
) -> Estimate:
    """The mean of what people would say, in [0, 1].

    `truth` and `judged`: people's and the judge's word on the rows that people labelled, a random part of all;
    `others`: the judge's word on the rest; weights: the requests each row stands for (None: one). Lambda is tuned so
    that a judge who is no help does no harm (Angelopoulos, Duchi and Zrnic 2023, PPI++, section 6); variances are those
    of weighted means. With too few labels: the labels alone.
    """
    p = normalised_weights(len(truth), weights)
    alone = estimate_share(truth, p)
    if len(truth) < MIN_HUMAN_LABELS or len(others) == 0:
        return alone
    q = normalised_weights(len(others), others_weights)
    value, low, high, power, variance = (float(each) for each in ppi_of(truth, judged, p, others, q))
    if variance <= 0:
        return alone
    effective = value * (1 - value) / variance if 0 < value < 1 else alone.effective
    return make_estimate(value, low, high, len(truth), effective, _METHOD.format(power))


def ppi_of(truth: Floats, judged: Floats, p: Floats, others: Floats, q: Floats) -> Floats:
    """Value, low, high, lambda and variance, stacked first, over the last axis; `p` and `q` are weights that sum to 1.

    The interval is that of the labels and two more rows, one on which people alone see a difference and one on which
    the judge alone does: of 20 labels a rare mistake of the judge may have hit none, and is still possible. (Two rows
    are what Agresti and Coull 1998 add to a share, to which this comes where the judge is no help.)
    """
    value = _value(truth, judged, p, others, q)[0]
    more = (p**2).sum(axis=-1, keepdims=True)  # the weight of an average row
    one, none = np.ones_like(more), np.zeros_like(more)
    wider = np.concatenate([p, more, more], axis=-1) / (1 + 2 * more)
    seen, said = np.concatenate([truth, one, none], axis=-1), np.concatenate([judged, none, one], axis=-1)
    middle, power, variance = _value(seen, said, wider, others, q)
    half = Z_95 * np.sqrt(variance)
    low, high = np.minimum(middle - half, value), np.maximum(middle + half, value)
    return np.stack([value, np.maximum(low, 0), np.minimum(high, 1), power, variance])


def _value(truth: Floats, judged: Floats, p: Floats, others: Floats, q: Floats) -> tuple[Floats, Floats, Floats]:
    """The estimate, the weight on the judge that makes its variance least (0: useless, to 1), and that variance."""
    spread = _cross(q, others, others)
    noise = _cross(p, judged, judged) + spread
    with np.errstate(invalid="ignore", divide="ignore"):
        power = np.where(noise > 0, np.clip(_cross(p, truth, judged) / noise, 0, 1), 0.0)
    rectifier = truth - power[..., None] * judged
    value = power * (q * others).sum(axis=-1) + (p * rectifier).sum(axis=-1)
    return np.clip(value, 0, 1), power, _cross(p, rectifier, rectifier) + power**2 * spread


def _cross(p: Floats, one: Floats, other: Floats) -> Floats:
    """The covariance of two weighted means over the same rows, by linearisation."""
    n = (p > 0).sum(axis=-1)
    left, right = (p * (each - (p * each).sum(axis=-1, keepdims=True)) for each in (one, other))
    return np.asarray((left * right).sum(axis=-1) * n / np.maximum(n - 1, 1))


def normalised_weights(n: int, weights: Floats | None) -> Floats:
    """Weights that sum to one."""
    return np.full(n, 1 / max(n, 1)) if weights is None else weights / weights.sum()
