"""Prediction-powered inference: human labels on some rows and a judge's on all give one honest, narrower figure."""

import numpy as np

from controlsurface.audit.estimate import Estimate, Floats, Z, share

FEWEST = 20  # human labels under which the judge's help cannot be measured

_METHOD = "PPI++ with lambda {:.2f}"


def ppi_mean(truth: Floats, judged: Floats, others: Floats) -> Estimate:
    """The mean of what people would say, in [0, 1].

    `truth` and `judged`: people's and the judge's word on the rows that people labelled, a random part of all;
    `others`: the judge's word on the rest. Lambda is tuned, so that a judge who is no help does no harm
    (Angelopoulos, Duchi and Zrnic 2023, PPI++, section 6). With too few labels: the labels alone.
    """
    n, rest = len(truth), len(others)
    if n < FEWEST or rest == 0:
        return share(truth, np.ones(n))
    power = _lambda(truth, judged, others)
    value = float(power * others.mean() + (truth - power * judged).mean())
    variance = float(np.var(truth - power * judged, ddof=1)) / n + power**2 * float(np.var(others, ddof=1)) / rest
    if variance <= 0:
        return share(truth, np.ones(n))
    half = Z * variance**0.5
    effective = value * (1 - value) / variance if 0 < value < 1 else float(n)
    low, high = max(0.0, value - half), min(1.0, value + half)
    return Estimate(min(1.0, max(0.0, value)), low, high, n, effective, _METHOD.format(power))


def _lambda(truth: Floats, judged: Floats, others: Floats) -> float:
    """The weight on the judge that makes the variance least, from 0 (useless) to 1."""
    everyone = np.var(np.concatenate([judged, others]), ddof=1)
    if everyone == 0:
        return 0.0
    together = np.cov(truth, judged)[0, 1]
    return float(np.clip(together / ((1 + len(truth) / len(others)) * everyone), 0, 1))
