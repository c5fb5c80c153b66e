"""Simulated intervals of money, and of models before launch: cost of a task, forecasts, pass rates in pairs."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from controlsurface.bench.simulation.simulated_intervals import SimulatedInterval, SimulatedRuns, ends_of
from controlsurface.money.budget_forecast import forecast_spend
from controlsurface.money.unit_costs import UNIT_SUMMARY_SQL
from controlsurface.profile.pass_rates import paired_difference_ends

CALL_TAIL_SD, DAY_TAIL_SD = 0.5, 0.3  # of the logarithm of a task's cost, and of a day's
DAYS_TO_COME = 10
_AT = datetime(2026, 6, 21, tzinfo=UTC)
_UNIT_COSTS = f"""
WITH each AS (
    SELECT
        name, 1 AS calls, CAST(usd AS DECIMAL(18, 12)) AS usd, TRUE AS known, done, 1 AS billable, 1 AS priced,
        FALSE AS cut
    FROM simulated
)
SELECT low, high FROM ({UNIT_SUMMARY_SQL}) ORDER BY name
"""


def simulate_unit_cost(world: SimulatedRuns) -> SimulatedInterval:
    """The cost of a completed task where a share of tasks fails and is paid for."""
    rates = world.rates()
    costs = world.random.lognormal(0, CALL_TAIL_SD, (world.runs, world.n))
    done = 1 - world.happens(rates)
    names = np.repeat(np.arange(world.runs), world.n)
    table = pa.table({"name": names, "usd": costs.ravel(), "done": done.ravel().astype(np.int64)})
    with world.store.writing() as writing:
        writing.attach("simulated", table)
        ends = ends_of(writing.rows(_UNIT_COSTS, {"row_limit": world.runs}))
    return SimulatedInterval(ends, np.exp(CALL_TAIL_SD**2 / 2) / (1 - rates[:, 0]))


def simulate_budget_forecast(world: SimulatedRuns) -> SimulatedInterval:
    """The cost of a period by its n complete days, ten days before its end."""
    drawn = world.random.lognormal(0, DAY_TAIL_SD, (world.runs, world.n + DAYS_TO_COME))
    days = [(_AT - timedelta(days=world.n - number)).date() for number in range(world.n)]
    end = _AT + timedelta(days=DAYS_TO_COME)
    found = []
    for run in drawn:
        told = forecast_spend(0.0, list(zip(days, map(float, run), strict=False)), _AT, end, float("inf"))
        found.append((told.low, told.high) if told else (np.nan, np.nan))
    return SimulatedInterval(np.array(found).T, drawn[:, world.n :].sum(axis=1))


def simulate_paired_pass_rates(world: SimulatedRuns) -> SimulatedInterval:
    """How much more one model passes than another, of prompts that half decide for both."""
    rates = world.rates(), world.rates()
    one = world.happens(rates[0])
    other = np.where(world.happens(0.5) > 0, one, world.happens(rates[1]))
    more, less = ((first > second).sum(axis=1) for first, second in ((other, one), (one, other)))
    ends = paired_difference_ends(more.astype(float), less.astype(float), world.n)
    return SimulatedInterval(np.stack(ends), (0.5 * (rates[1] - rates[0]))[:, 0])
