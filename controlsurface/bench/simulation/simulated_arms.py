"""Intervals of two arms held against each other, and of means and quantiles that are read off bins."""

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.bench.simulation.simulated_intervals import SimulatedInterval, SimulatedRuns
from controlsurface.metrics.statistics import (
    binned_mean_interval,
    binned_quantile_interval,
    difference_interval,
    wilson_interval,
)

BIN_LOG_WIDTH = np.log(1.05)  # of the store's bins
TAIL_SD = 0.8  # of the logarithm of a cost or a latency


def simulate_arm_difference(world: SimulatedRuns) -> SimulatedInterval:
    """The difference of the shares of two arms of as many rows."""
    rates = world.rates(), world.rates()
    found = [world.happens(each).mean(axis=1) for each in rates]
    n = np.full(world.runs, float(world.n))
    one, other = found
    ends = difference_interval(one, wilson_interval(one, n), other, wilson_interval(other, n))
    return SimulatedInterval(np.stack(ends), (rates[1] - rates[0])[:, 0])


def simulate_binned_mean(world: SimulatedRuns) -> SimulatedInterval:
    """The mean of amounts with a long tail."""
    drawn = world.random.lognormal(0, TAIL_SD, (world.runs, world.n))
    ends = [binned_mean_interval(float(each.mean()), *_bins(each), world.n) for each in drawn]
    return SimulatedInterval(_stacked(ends), np.full(world.runs, np.exp(TAIL_SD**2 / 2)))


def simulate_binned_quantile(world: SimulatedRuns) -> SimulatedInterval:
    """The P95 of amounts with a long tail."""
    drawn = world.random.lognormal(0, TAIL_SD, (world.runs, world.n))
    ends = [binned_quantile_interval(0.95, *_bins(each), world.n) for each in drawn]
    return SimulatedInterval(_stacked(ends), np.full(world.runs, np.exp(TAIL_SD * 1.6448536269514722)))


def _bins(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Values as the store's bins: lower, upper, n."""
    place, counts = np.unique(np.floor(np.log(values) / BIN_LOG_WIDTH), return_counts=True)
    return np.exp(place * BIN_LOG_WIDTH), np.exp((place + 1) * BIN_LOG_WIDTH), counts.astype(np.float64)


def _stacked(ends: list[tuple[float, float] | None]) -> Floats:
    return np.array([each or (np.nan, np.nan) for each in ends]).T
