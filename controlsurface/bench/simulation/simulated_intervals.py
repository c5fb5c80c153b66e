"""Simulated audits whose truth is known: each figure's interval in many runs at once, by the functions that show it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from controlsurface.arrays import Floats
from controlsurface.audit.statistics.agreement import weighted_agreement
from controlsurface.audit.statistics.calibration import ranking_auc
from controlsurface.audit.statistics.weighted_estimate import (
    MIN_HUMAN_LABELS,
    paired_difference_of,
    ppi_of,
    share_from_moments,
)
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import INTERVAL_ENDS, figure_columns, interval_columns
from controlsurface.store.duckdb import DuckStore

RateRange = tuple[float, float]

COMPARATOR_ONLY_PAIRS = 1500  # pairs that only the comparator judged
AUC_OF_NORMALS = 0.7602499389065233  # Phi(1 / sqrt 2)
HARD_SHARE, HARD_SAMPLING_FACTOR = 0.3, 4.0  # share of requests that are drawn more often, and how much more often


class SimulatedInterval(NamedTuple):
    """Both ends of an interval, (2, runs), and the truth, (runs,); a NaN end is a figure that is refused."""

    ends: Floats
    truth: Floats

    @staticmethod
    def joined(parts: "Sequence[SimulatedInterval]") -> "SimulatedInterval":
        """The runs of all parts."""
        ends, truth = zip(*parts, strict=True)
        return SimulatedInterval(np.concatenate(ends, axis=1), np.concatenate(truth))


@dataclass(frozen=True, slots=True)
class SimulatedRuns:
    """How many runs, of how many rows, at rates within which range."""

    random: np.random.Generator
    runs: int
    n: int
    rate: RateRange
    store: DuckStore

    def parts(self, runs: int) -> "Iterator[SimulatedRuns]":
        """At most so many runs at once."""
        for at in range(0, self.runs, max(1, runs)):
            yield replace(self, runs=min(max(1, runs), self.runs - at))

    def rates(self) -> Floats:
        """A rate for each run: (runs, 1)."""
        return self.random.uniform(*self.rate, (self.runs, 1))

    def happens(self, chances: Floats | float, n: int | None = None) -> Floats:
        """What happens with these chances: 0 or 1, (runs, n)."""
        drawn = self.random.random((self.runs, n or self.n)) < chances
        return drawn.astype(np.float64)


def simulate_ratio(world: SimulatedRuns) -> SimulatedInterval:
    """A share of rows, by the metric's own SQL."""
    p = world.rates()
    k, n = world.happens(p).sum(axis=1), np.full(world.runs, float(world.n))
    sums = {"failed": k, "n": n, "n_rows": n, "n_squares": n}
    return SimulatedInterval(interval_of_sums(world.store, "error_rate", sums), p[:, 0])


def simulate_weighted_ratio(world: SimulatedRuns) -> SimulatedInterval:
    """A share of rows of which one in three stands for ten (head sampling), by the metric's own SQL."""
    p = world.rates()
    w, y = np.where(world.happens(1 / 3) > 0, 10.0, 1.0), world.happens(p)
    sums = {"failed": (w * y).sum(axis=1), "n": w.sum(axis=1), "n_squares": (w * w).sum(axis=1)}
    sums["n_rows"] = np.full(world.runs, float(world.n))
    return SimulatedInterval(interval_of_sums(world.store, "error_rate", sums), p[:, 0])


def simulate_disagreement(world: SimulatedRuns) -> SimulatedInterval:
    """A share of pairs that are drawn more often where lanes disagree more, by the functions of audits."""
    w, y, truth = _draw_pairs(world)
    columns = [np.ones_like(w), w, w * y, w * w, w * w * y, (w * y) ** 2]
    return SimulatedInterval(share_from_moments(np.stack([each.sum(axis=1) for each in columns]))[1:3], truth)


def simulate_disagreement_rate(world: SimulatedRuns) -> SimulatedInterval:
    """The same by the metric's own SQL."""
    w, y, truth = _draw_pairs(world)
    sums = {"disagreed": w * y, "compared": w, "compared_squares": w * w, "disagreed_squares": w * w * y}
    columns = {name: each.sum(axis=1) for name, each in sums.items()}
    n = np.full(world.runs, float(world.n))
    return SimulatedInterval(interval_of_sums(world.store, "disagreement_rate", columns | {"compared_rows": n}), truth)


def _draw_pairs(world: SimulatedRuns) -> tuple[Floats, Floats, Floats]:
    """Weights, outcomes and true rates of pairs of which HARD requests are drawn HARDER times as often."""
    p = world.rates()
    hard = world.happens(HARD_SHARE * HARD_SAMPLING_FACTOR / (HARD_SHARE * HARD_SAMPLING_FACTOR + 1 - HARD_SHARE)) > 0
    y = world.happens(np.where(hard, 1.5 * p, 0.7 * p))
    truth = HARD_SHARE * 1.5 * p[:, 0] + (1 - HARD_SHARE) * 0.7 * p[:, 0]
    return np.where(hard, 1 / HARD_SAMPLING_FACTOR, 1.0), y, truth


def simulate_human_judgement(world: SimulatedRuns, mistaken: float) -> SimulatedInterval:
    """What people would say, from `n` labels and a judge who is mistaken so often; under 20 labels they speak alone."""
    p = world.rates()
    truth, rest = world.happens(p), world.happens(p, COMPARATOR_ONLY_PAIRS)
    judged, others = (np.abs(each - world.happens(mistaken, each.shape[1])) for each in (truth, rest))
    if world.n < MIN_HUMAN_LABELS:
        ones = np.ones_like(truth)
        sums = np.stack([each.sum(axis=1) for each in (ones, ones, truth, ones, truth, truth)])
        return SimulatedInterval(share_from_moments(sums)[1:3], p[:, 0])
    even, of_rest = np.full_like(truth, 1 / world.n), np.full_like(others, 1 / COMPARATOR_ONLY_PAIRS)
    return SimulatedInterval(ppi_of(truth, judged, even, others, of_rest)[1:3], p[:, 0])


def simulate_difference(world: SimulatedRuns, *, tilted: bool) -> SimulatedInterval:
    """By how much the large lane is better, where so many pairs tell them apart, equally or four of five one way."""
    p = world.rates()
    apart = world.happens(p)
    sides = np.where(world.happens(0.8 if tilted else 0.5) > 0, 1.0, -1.0)
    truth = p[:, 0] * (0.6 if tilted else 0.0)
    return SimulatedInterval(paired_difference_of(apart * sides, np.ones_like(apart))[1:3], truth)


def simulate_graded_difference(world: SimulatedRuns) -> SimulatedInterval:
    """The same of grades from 0 to 1, which differ a little nearly everywhere."""
    p = world.rates()
    gaps = np.clip(world.random.normal(p / 4, 0.2, (world.runs, world.n)), -1, 1)
    return SimulatedInterval(paired_difference_of(gaps, np.ones_like(gaps))[1:3], p[:, 0] / 4)


def simulate_ac1(world: SimulatedRuns, first: float) -> SimulatedInterval:
    """Gwet's AC1 of two judges who part at the rate; the first says one of two words so often."""
    p = world.rates()
    one = world.happens(first).astype(np.int64)
    other = np.where(world.happens(p) > 0, 1 - one, one)
    ones = np.ones(world.n)
    found = [weighted_agreement(a, b, a == b, ones) for a, b in zip(one, other, strict=True)]
    said = (first + first * (1 - p) + (1 - first) * p)[:, 0] / 2
    chance = 2 * said * (1 - said)
    ends = np.array([(each.ac1_low, each.ac1_high) for each in found], dtype=np.float64)
    return SimulatedInterval(ends.T, (1 - p[:, 0] - chance) / (1 - chance))


def simulate_auc(world: SimulatedRuns) -> SimulatedInterval:
    """How well confidences rank answers, of which so many are wrong; the truth is that of normal scores 1 apart."""
    right = world.happens(1 - world.rates())
    scores = world.random.normal(right, 1.0)
    found = [ranking_auc(a, b) for a, b in zip(scores, right, strict=True)]
    ends = np.array([(each.low, each.high) if each else (None, None) for each in found], dtype=np.float64)
    return SimulatedInterval(ends.T, np.full(world.runs, AUC_OF_NORMALS))


def simulate_growth(world: SimulatedRuns) -> SimulatedInterval:
    """The slope of tokens over a week, a tenth of the rate a day, by the metric's own SQL."""
    days, slope = world.random.uniform(0, 7, (world.runs, world.n)), world.rates() / 10
    tokens = 100 * (1 + slope * (days - 3.5)) + world.random.normal(0, 60, days.shape)
    sums = {"x": days, "y": tokens, "xx": days**2, "xy": days * tokens, "yy": tokens**2}
    columns = {f"output_{name}": each.sum(axis=1) for name, each in sums.items()}
    n = np.full(world.runs, float(world.n))
    counts = dict.fromkeys(("output_timed", "output_timed_rows", "output_squares"), n)
    return SimulatedInterval(interval_of_sums(world.store, "output_growth", columns | counts), slope[:, 0])


def interval_of_sums(store: DuckStore, metric_id: str, sums: Mapping[str, Floats]) -> Floats:
    """Both ends of a metric's interval by its own SQL, over summed measures; a run is a group."""
    metric, keys = CATALOG[metric_id], ["run"]
    ends, inner = select_list(interval_columns(metric)), select_list(figure_columns(metric, keys))
    sql = f"SELECT {ends} FROM (SELECT run, {inner} FROM simulated GROUP BY run) ORDER BY run"
    with store.writing() as writing:
        writing.attach("simulated", pa.table({"run": np.arange(len(next(iter(sums.values())))), **sums}))
        return ends_of(writing.rows(sql))


def select_list(columns: Mapping[Any, str]) -> str:
    """Expressions under their names."""
    return ", ".join(f"{text} AS {name}" for name, text in columns.items())


def ends_of(rows: pa.Table) -> Floats:
    """Both ends of the intervals in a metric's rows: (2, rows)."""
    return np.stack([rows[end].to_numpy(zero_copy_only=False).astype(np.float64) for end in INTERVAL_ENDS])
