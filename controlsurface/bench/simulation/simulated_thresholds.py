"""Simulated routers whose truth is known: other thresholds, confidences that are off, lanes that are equal."""

from collections.abc import Callable

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.audit.statistics.calibration import BIN_COUNT, BinSums, calibration_error_of
from controlsurface.audit.statistics.weighted_estimate import paired_difference_of
from controlsurface.audit.threshold_sweep import ObservedOutcome, sort_observations, sweep_thresholds
from controlsurface.bench.simulation.simulated_intervals import SimulatedInterval, SimulatedRuns
from controlsurface.metrics.statistics import FAMILYWISE_ALPHA, holm_adjust

REQUEST_COUNT = 400
RUNS_AT_ONCE = 100  # runs held in memory together

ErrorShape = Callable[[Floats], Floats]

# How far the truth lies under the confidence, up to a factor: everywhere alike, in proportion, to either side of one
# half (too sharp), above 0.6 only.
ERROR_SHAPES: dict[str, ErrorShape] = {
    "shifted": np.ones_like,
    "in proportion": lambda c: c,
    "too sharp": lambda c: c - 0.5,
    "one-sided": lambda c: np.where(c > 0.6, 1.0, 0.0),
}
CONFIDENCE_SCALES: dict[str, Callable[[np.random.Generator, tuple[int, int]], Floats]] = {
    "even": lambda random, shape: random.uniform(0.2, 1, shape),
    "high": lambda random, shape: 0.2 + 0.8 * random.beta(4, 2, shape),
}


def simulate_what_if(world: SimulatedRuns, what: str, moved: float) -> SimulatedInterval:
    """A figure at a threshold that moves so many requests to the other lane, of which about `n` have a shadow.

    The small lane fails at the rate, the large one half as often; costs are spread as exp(N(0, 0.5)).
    """
    ends, p = [], world.rates()
    chance = min(1.0, world.n / (moved * REQUEST_COUNT))
    for rate in p[:, 0]:
        confidence = np.arange(REQUEST_COUNT) / REQUEST_COUNT
        spread = np.exp(world.random.normal(0, 0.5, REQUEST_COUNT))
        shadowed = world.random.random(REQUEST_COUNT) < chance
        right = 1.0 - (world.random.random((2, REQUEST_COUNT)) < np.array([[rate], [rate / 2]]))
        small, large = right if what == "quality" else np.array([[1.0], [3.0]]) * spread
        ones = np.ones(REQUEST_COUNT)
        outcome = ObservedOutcome(small, ones, np.where(shadowed, large, np.nan), chance * ones)
        rows = sort_observations(confidence, np.zeros(REQUEST_COUNT, dtype=bool), ones, {what: outcome})
        found = sweep_thresholds(rows).figure(what, np.array([moved]), bounded=what == "quality")
        ends.append((found.low[0], found.high[0]))
    truth = 1 - p[:, 0] * (1 - moved / 2) if what == "quality" else (1 + 2 * moved) * np.exp(0.125)
    return SimulatedInterval(np.array(ends).T, np.broadcast_to(np.float64(truth), world.runs))


def simulate_escalation(world: SimulatedRuns) -> SimulatedInterval:
    """The share of requests below a threshold."""
    p = world.rates()
    ends = []
    for rate in p[:, 0]:
        nothing = {"quality": ObservedOutcome(*np.full((4, world.n), np.nan))}
        rows = sort_observations(world.random.random(world.n), np.zeros(world.n, dtype=bool), np.ones(world.n), nothing)
        ends.append(sweep_thresholds(rows).escalation(np.array([rate]))[1:, 0])
    return SimulatedInterval(np.array(ends).T, p[:, 0])


def simulate_calibration_error(
    random: np.random.Generator, runs: int, n: int, error: float, name: str, scale: str
) -> Floats:
    """The estimate and its ends, (3, runs), where the expected calibration error of ten bins is `error`."""
    drawn, shape = CONFIDENCE_SCALES[scale], ERROR_SHAPES[name]
    everyone = drawn(random, (1, 400_000))
    mass = np.bincount(_cell(everyone)[0], shape(everyone)[0], BIN_COUNT) / everyone.size
    step = error / np.abs(mass).sum()
    found = []
    for _ in range(0, runs, RUNS_AT_ONCE):
        confidence = drawn(random, (RUNS_AT_ONCE, n))
        right = (random.random(confidence.shape) < np.clip(confidence - step * shape(confidence), 0, 1)).astype(float)
        place = (_cell(confidence) + BIN_COUNT * np.arange(RUNS_AT_ONCE)[:, None]).ravel()
        rows, stated, seen = (
            np.bincount(place, each.ravel(), BIN_COUNT * RUNS_AT_ONCE)
            .astype(np.float64)
            .reshape(RUNS_AT_ONCE, BIN_COUNT)
            for each in (np.ones_like(confidence), confidence, right)
        )
        found.append(calibration_error_of(BinSums(rows, stated, seen, rows)))
    return np.concatenate(found, axis=1)[:, :runs]


def false_worse_share(random: np.random.Generator, looks: int, slices: int, *, corrected: bool = True) -> float:
    """The share of looks at slices whose lanes are equal that call the large lane worse in any.

    Slices have 30 to 300 graded pairs, of which 4 to 40 of 100 part the lanes.
    """
    found = 0
    for at in range(0, looks, RUNS_AT_ONCE):
        shape = (min(RUNS_AT_ONCE, looks - at), slices, 300)
        rows = random.integers(30, 301, (*shape[:2], 1))
        apart = random.random(shape) < random.uniform(0.04, 0.4, (*shape[:2], 1))
        gaps = np.where(apart, np.where(random.random(shape) < 0.5, 1.0, -1.0), 0.0)
        value, _, _, _, chance = paired_difference_of(gaps, (np.arange(300) < rows).astype(np.float64))
        counted = holm_adjust(chance) if corrected else chance
        found += int(((value < 0) & (counted < FAMILYWISE_ALPHA)).any(axis=1).sum())
    return found / looks


def _cell(confidence: Floats) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """The tenth that each confidence lies in."""
    return np.clip((confidence * BIN_COUNT).astype(np.int64), 0, BIN_COUNT - 1)
