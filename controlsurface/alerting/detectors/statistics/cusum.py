"""Sums that forget what speaks against a drift (Page 1954), as a recursion, and in closed form for whole histories."""

import numpy as np

from controlsurface.arrays import Floats, Ints

BUCKETS_PER_WEEK = 2016


def score_threshold(streams: int, false_a_week: float = 1.0) -> float:
    """The score to reach so that all streams together raise `false_a_week` false alerts a week: ln(streams x 2016 / A).

    >>> round(score_threshold(250), 2)
    13.13
    """
    return float(np.log(max(streams, 1) * BUCKETS_PER_WEEK / false_a_week))


def mixture_score(sums: Floats, axis: int = 0) -> Floats:
    """The alternatives' sums as one figure: the log of the mean of their exponentials."""
    largest = sums.max(axis=axis, keepdims=True)
    mixed: Floats = np.log(np.exp(sums - largest).mean(axis=axis)) + largest.squeeze(axis)
    return mixed


def advance_sums(sums: Floats, ratios: Floats) -> Floats:
    """One step of S = max(S, 0) + l."""
    return np.maximum(sums, 0) + ratios


def cumulative_sums(ratios: Floats, before: Floats) -> Floats:
    """All steps at once, T x ...: S_t = C_t - min(0, least C before t), with the sum `before` in C_0.

    Sums of a few weeks are taken at a time (see `replay`), so nothing is lost to cancellation over months.
    """
    running = np.concatenate([np.maximum(before, 0)[None], ratios]).cumsum(axis=0)
    least = np.minimum(np.minimum.accumulate(running, axis=0)[:-1], 0)
    found: Floats = running[1:] - least
    return found


def last_start(sums: Floats, before: Floats) -> Ints:
    """The step at which the last sums began to grow, -1 where that was before the first: the argmin of C."""
    starts = np.concatenate([before[None], sums[:-1]]) <= 0
    steps = len(sums)
    found: Ints = np.where(starts.any(axis=0), steps - 1 - starts[::-1].argmax(axis=0), -1)
    return found
