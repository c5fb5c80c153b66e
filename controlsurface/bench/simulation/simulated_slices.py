"""Sessions of several requests, gaps in advice, people who labelled a part, and shares under drift rules."""

import numpy as np
import pyarrow as pa

from controlsurface.alerting.detectors.drift.drift_readings import share_interval
from controlsurface.arrays import Floats
from controlsurface.audit.answer_quality import combine_estimates
from controlsurface.audit.statistics.weighted_estimate import estimate_share
from controlsurface.bench.simulation.simulated_intervals import SimulatedInterval, SimulatedRuns, ends_of, select_list
from controlsurface.client.advice.graded_lanes import test_graded_pairs
from controlsurface.client.advice.repeated_calls import repeated_share_interval
from controlsurface.metrics import formula
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import figure_columns, interval_columns

UNLABELLED_PAIRS = 300  # pairs of strata that nobody labelled
SESSIONS_AT_ONCE = 50_000
OVERDISPERSION = 2.0  # overdispersion
BUCKET_REQUESTS = 20  # requests that share a rate


def simulate_sessions(world: SimulatedRuns) -> SimulatedInterval:
    """The share of sessions with an escalation, by the metric's own SQL: of one to four requests each."""
    return SimulatedInterval.joined([_sessions(part) for part in world.parts(SESSIONS_AT_ONCE // world.n)])


def _sessions(world: SimulatedRuns) -> SimulatedInterval:
    """Of some runs."""
    p, metric = world.rates(), CATALOG["escalation_rate_session"]
    escalated, requests = world.happens(p), world.random.integers(1, 5, (world.runs, world.n))
    at = np.repeat(np.arange(world.runs * world.n), requests.ravel())
    first = np.concatenate([[True], at[1:] != at[:-1]])
    rows = {"run": at // world.n, "session_id": at.astype(str), "escalated": (escalated.ravel()[at] > 0) & first}
    table = pa.table({**rows, "sample_weight": np.ones(len(at))})
    columns, summed = select_list(formula.measure_columns(metric)), select_list(figure_columns(metric, ["run"]))
    shown = select_list(interval_columns(metric))
    sql = (
        f"WITH measures AS (SELECT r.run, {columns} FROM simulated AS r), "
        f"figures AS (SELECT run, {summed} FROM measures GROUP BY run) SELECT {shown} FROM figures ORDER BY run"
    )
    with world.store.writing() as writing:
        writing.attach("simulated", table)
        return SimulatedInterval(ends_of(writing.rows(sql)), p[:, 0])


def simulate_repeated_prompts(world: SimulatedRuns) -> SimulatedInterval:
    """The share of calls that a cache would answer, as advice says it: n prompts of one to nine calls, usually three.

    Each call after a prompt's first is a repeat with a chance of the prompt's own, so calls of a prompt go together.
    """
    p = world.rates()
    calls = 1.0 + world.random.binomial(8, 0.25, (world.runs, world.n))
    own = world.random.beta(3 * 1.5 * p, 3 * (1 - 1.5 * p), (world.runs, world.n))
    repeats = world.random.binomial((calls - 1).astype(np.int64), own).astype(np.float64)
    products = (calls * calls, calls * repeats, repeats * repeats)
    sums = [each.sum(axis=1) for each in (np.ones_like(calls), calls, repeats, *products)]
    return SimulatedInterval(np.stack(repeated_share_interval(*sums)), p[:, 0])


def simulate_advised_gap(world: SimulatedRuns) -> SimulatedInterval:
    """By how much the large lane is right more often, as advice says it, from the sums of its SQL."""
    p = world.rates()
    gaps = world.happens(p) * np.where(world.happens(0.8) > 0, 1.0, -1.0)
    ends = [_advice_interval(row) for row in gaps]
    return SimulatedInterval(np.array(ends, dtype=np.float64).T, 0.6 * p[:, 0])


def _advice_interval(gaps: Floats) -> tuple[float | None, float | None]:
    """The interval of one slice, where there are pairs enough for advice."""
    n, differ, total = float(len(gaps)), float((gaps != 0).sum()), float(gaps.sum())
    sums = {"task_type": None, "n": n, "weight": n, "weights": n, "gaps": total, "products": total, "squares": differ}
    sums |= {"sizes": differ, "deciding": differ, "plain": differ, "partial": 0.0}
    found = test_graded_pairs([sums | {"large": 0.0, "small": 0.0, "times_the_cost": None}])
    return (found[0].low, found[0].high) if found else (None, None)


def simulate_partial_labels(world: SimulatedRuns) -> SimulatedInterval:
    """What people would say, where they labelled one half of the requests and the comparator speaks of the other."""
    p = world.rates()
    labelled, others = world.happens(p), world.happens(p / 2, UNLABELLED_PAIRS)
    ones, rest = np.ones(world.n), np.ones(UNLABELLED_PAIRS)
    found = [
        combine_estimates(estimate_share(a, ones), estimate_share(b, rest), 0.5)
        for a, b in zip(labelled, others, strict=True)
    ]
    both = np.array([(each.low, each.high) for each in found], dtype=np.float64)
    return SimulatedInterval(both.T, 0.75 * p[:, 0])


def simulate_drifting_share(world: SimulatedRuns) -> SimulatedInterval:
    """The share that a drift rule tells of a window, of requests whose rate changes every BUCKET of them.

    Beta-binomial counts of the overdispersion PHI, which the rule's baseline knows.
    """
    p = world.rates()
    spread = (BUCKET_REQUESTS - 1) / (OVERDISPERSION - 1) - 1
    rates = np.maximum(world.random.beta(p * spread, (1 - p) * spread, (world.runs, -(-world.n // BUCKET_REQUESTS))), 0)
    k = world.random.binomial(BUCKET_REQUESTS, rates).sum(axis=1)
    n = np.full(world.runs, float(BUCKET_REQUESTS * rates.shape[1]))
    return SimulatedInterval(np.stack(share_interval(k / n, n, np.asarray(OVERDISPERSION))), p[:, 0])
