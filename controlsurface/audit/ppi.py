"""Prediction-powered inference: human labels on some rows and a judge's on all give one honest, narrower figure."""

import numpy as np

from controlsurface.audit.estimate import Estimate, Floats, Z, share

FEWEST = 20  # human labels under which the judge's help cannot be measured

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
    n, rest = len(truth), len(others)
    p = _shares(n, weights)
    alone = share(truth, p)
    if n < FEWEST or rest == 0:
        return alone
    q = _shares(rest, others_weights)
    power = _lambda(p, truth, judged, q, others)
    variance = _cross(p, truth - power * judged, truth - power * judged) + power**2 * _cross(q, others, others)
    if variance <= 0:
        return alone
    value = float(np.clip(power * (q @ others) + p @ (truth - power * judged), 0, 1))
    half = Z * variance**0.5
    effective = value * (1 - value) / variance if 0 < value < 1 else alone.effective
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), n, effective, _METHOD.format(power))


def _lambda(p: Floats, truth: Floats, judged: Floats, q: Floats, others: Floats) -> float:
    """The weight on the judge that makes the variance least, from 0 (useless) to 1."""
    noise = _cross(p, judged, judged) + _cross(q, others, others)
    return float(np.clip(_cross(p, truth, judged) / noise, 0, 1)) if noise > 0 else 0.0


def _cross(p: Floats, one: Floats, other: Floats) -> float:
    """The covariance of two weighted means over the same rows, by linearisation."""
    n = len(p)
    return float(((p * (one - p @ one)) * (p * (other - p @ other))).sum()) * n / max(n - 1, 1)


def _shares(n: int, weights: Floats | None) -> Floats:
    """Weights that sum to one."""
    return np.full(n, 1 / max(n, 1)) if weights is None else weights / weights.sum()
