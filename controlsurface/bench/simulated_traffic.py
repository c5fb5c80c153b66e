"""Simulated routers whose truth is known: other thresholds, confidences that are off, lanes that are equal."""

from collections.abc import Callable

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.audit.calibration import BINS
from controlsurface.audit.calibration_error import Bins, error_of
from controlsurface.audit.difference import difference_of
from controlsurface.audit.logged import Outcome, logged
from controlsurface.audit.what_if import sweep
from controlsurface.bench.simulated import Told, World
from controlsurface.metrics.significance import ALPHA, holm

REQUESTS = 400
AT_ONCE = 100  # runs held in memory together

Shape = Callable[[Floats], Floats]

# How far the truth lies under the confidence, up to a factor: everywhere alike, in proportion, to either side of one
# half (too sharp), above 0.6 only.
SHAPES: dict[str, Shape] = {
    "shifted": np.ones_like,
    "in proportion": lambda c: c,
    "too sharp": lambda c: c - 0.5,
    "one-sided": lambda c: np.where(c > 0.6, 1.0, 0.0),
}
SCALES: dict[str, Callable[[np.random.Generator, tuple[int, int]], Floats]] = {
    "even": lambda random, shape: random.uniform(0.2, 1, shape),
    "high": lambda random, shape: 0.2 + 0.8 * random.beta(4, 2, shape),
}


def what_if(world: World, what: str, moved: float) -> Told:
    """A figure at a threshold that moves so many requests to the other lane, of which about `n` have a shadow.

    The small lane fails at the rate, the large one half as often; costs are spread as exp(N(0, 0.5)).
    """
    ends, p = [], world.rates()
    chance = min(1.0, world.n / (moved * REQUESTS))
    for rate in p[:, 0]:
        confidence, spread = np.arange(REQUESTS) / REQUESTS, np.exp(world.random.normal(0, 0.5, REQUESTS))
        shadowed = world.random.random(REQUESTS) < chance
        right = 1.0 - (world.random.random((2, REQUESTS)) < np.array([[rate], [rate / 2]]))
        small, large = right if what == "quality" else np.array([[1.0], [3.0]]) * spread
        outcome = Outcome(small, np.ones(REQUESTS), np.where(shadowed, large, np.nan), np.full(REQUESTS, chance))
        rows = logged(confidence, np.zeros(REQUESTS, dtype=bool), np.ones(REQUESTS), {what: outcome})
        found = sweep(rows).figure(what, np.array([moved]), bounded=what == "quality")
        ends.append((found.low[0], found.high[0]))
    truth = 1 - p[:, 0] * (1 - moved / 2) if what == "quality" else (1 + 2 * moved) * np.exp(0.125)
    return Told(np.array(ends).T, np.broadcast_to(np.float64(truth), world.runs))


def escalation(world: World) -> Told:
    """The share of requests below a threshold."""
    p = world.rates()
    ends = []
    for rate in p[:, 0]:
        nothing = {"quality": Outcome(*np.full((4, world.n), np.nan))}
        rows = logged(world.random.random(world.n), np.zeros(world.n, dtype=bool), np.ones(world.n), nothing)
        ends.append(sweep(rows).escalation(np.array([rate]))[1:, 0])
    return Told(np.array(ends).T, p[:, 0])


def calibration_error(random: np.random.Generator, runs: int, n: int, error: float, name: str, scale: str) -> Floats:
    """The estimate and its ends, (3, runs), where the expected calibration error of ten bins is `error`."""
    drawn, shape = SCALES[scale], SHAPES[name]
    everyone = drawn(random, (1, 400_000))
    mass = np.bincount(_cell(everyone)[0], shape(everyone)[0], BINS) / everyone.size
    step = error / np.abs(mass).sum()
    found = []
    for _ in range(0, runs, AT_ONCE):
        confidence = drawn(random, (AT_ONCE, n))
        right = (random.random(confidence.shape) < np.clip(confidence - step * shape(confidence), 0, 1)).astype(float)
        place = (_cell(confidence) + BINS * np.arange(AT_ONCE)[:, None]).ravel()
        rows, stated, seen = (
            np.bincount(place, each.ravel(), BINS * AT_ONCE).astype(np.float64).reshape(AT_ONCE, BINS)
            for each in (np.ones_like(confidence), confidence, right)
        )
        found.append(error_of(Bins(rows, stated, seen, rows)))
    return np.concatenate(found, axis=1)[:, :runs]


def false_worse(random: np.random.Generator, looks: int, slices: int, *, corrected: bool = True) -> float:
    """The share of looks at slices whose lanes are equal that call the large lane worse in any.

    Slices have 30 to 300 graded pairs, of which 4 to 40 of 100 part the lanes.
    """
    found = 0
    for at in range(0, looks, AT_ONCE):
        shape = (min(AT_ONCE, looks - at), slices, 300)
        rows = random.integers(30, 301, (*shape[:2], 1))
        apart = random.random(shape) < random.uniform(0.04, 0.4, (*shape[:2], 1))
        gaps = np.where(apart, np.where(random.random(shape) < 0.5, 1.0, -1.0), 0.0)
        value, _, _, _, chance = difference_of(gaps, (np.arange(300) < rows).astype(np.float64))
        found += int(((value < 0) & ((holm(chance) if corrected else chance) < ALPHA)).any(axis=1).sum())
    return found / looks


def _cell(confidence: Floats) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """The tenth that each confidence lies in."""
    return np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)
