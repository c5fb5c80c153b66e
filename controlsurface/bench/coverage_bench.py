"""How often the intervals that are shown hold the truth, equal lanes are called worse, and how far ECE is off.

Intervals of counts jump with the rate (Brown, Cai and DasGupta 2001): at one rate they cover 91 of 100, at the next 98.
So the rate of each run is drawn from a range, and under 10 rows from the whole range of RATES: what is judged is their
mean coverage (Agresti and Coull 1998). Where fewer than RARE of the rarer answers are to be expected, no interval can
be as narrow as 95 %, and only too low a coverage counts.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from math import ceil, inf
from typing import Any

import numpy as np

from controlsurface.bench.simulation import (
    simulated_arms,
    simulated_intervals,
    simulated_money,
    simulated_savings,
    simulated_slices,
    simulated_thresholds,
)
from controlsurface.bench.simulation.simulated_intervals import RateRange, SimulatedInterval, SimulatedRuns
from controlsurface.metrics.metric import Metric
from controlsurface.store.duckdb import DuckStore

SEED = 20
RUNS, QUICK_RUNS = 2000, 200
SAMPLE_SIZES = (3, 10, 30, 100, 1000)
RATE_RANGES: tuple[RateRange, ...] = ((0.02, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.5))
MIN_RARE_ANSWERS = 5
COMPARED_SLICES = 57
CALIBRATION_ERRORS, ANSWER_COUNTS = (0.05, 0.1), (500, 1000, 2000)
MIN_TOLD_SHARE = 0.02  # of the runs; where fewer have an interval, the figure is refused
ENOUGH_TOLD_SHARE, MAX_ROUNDS = 0.25, 5  # a share of few of them would be off by more than it is held to


@dataclass(frozen=True, slots=True)
class CoveredFigure:
    """A figure that is shown with an interval.

    `rare` is how much rarer than the rate what decides about it is, and `least` its rate at most; `worth` is how many
    equal rows a weighted one is worth by Kish's count: sizes count these.
    """

    name: str
    told: Callable[[SimulatedRuns], SimulatedInterval]
    sizes: tuple[int, ...] = SAMPLE_SIZES
    rates: tuple[RateRange, ...] = RATE_RANGES
    rare: float = 1.0
    least: float = 1.0
    worth: float = 1.0

    def world(self, random: np.random.Generator, runs: int, n: int, rate: RateRange, store: DuckStore) -> SimulatedRuns:
        """What is simulated of it."""
        return SimulatedRuns(random, runs, ceil(n / self.worth), rate, store)


@dataclass(frozen=True, slots=True)
class CoverageCell:
    """A figure at a number of rows and a range of rates: how often it is told, and then holds the truth."""

    figure: str
    n: int
    low: float
    high: float
    told: float
    coverage: float | None
    rare: bool

    def row(self) -> dict[str, Any]:
        """For printing."""
        held = "refused" if self.coverage is None else f"{self.coverage:.3f}"
        return {"figure": self.figure, "n": self.n, "rate": f"{self.low:g}-{self.high:g}", "coverage": held}


@dataclass(frozen=True, slots=True)
class CoverageBenchResult:
    """Coverage of 95 % intervals by figure; looks at equal slices with a false verdict; the calibration error's error.

    `widest_coverage` leaves out rare answers. `ece_worst_error` is a share of the true error; where that is 0, it is
    `ece_at_zero`, as it stands.
    """

    worst_coverage: float
    widest_coverage: float
    false_worse_share: float
    uncorrected_worse_share: float
    ece_worst_error: float
    ece_at_zero: float
    runs: int
    cells: tuple[CoverageCell, ...]

    def figures(self) -> dict[str, float]:
        """What is measured, in short."""
        names = [name for name in self.__dataclass_fields__ if name != "cells"]
        return {name: round(float(getattr(self, name)), 4) for name in names}

    def rounded(self) -> dict[str, Any]:
        """For printing as JSON, by figure too."""
        return {**self.figures(), "coverage": [cell.row() for cell in self.cells]}

    def table(self) -> list[dict[str, Any]]:
        """A row a figure and size: the lowest and the highest coverage over all rates."""
        found: dict[tuple[str, int], list[CoverageCell]] = {}
        for cell in self.cells:
            found.setdefault((cell.figure, cell.n), []).append(cell)
        return [{"figure": name, "n": n, **_range(cells)} for (name, n), cells in found.items()]


def _saving(
    metric_id: str, router: simulated_savings.SimulatedRouter, of: str = "", rates: tuple[RateRange, ...] = RATE_RANGES
) -> CoveredFigure:
    """A metric of savings; of requests, the rate is the share whose price in the other lane is known."""
    told = partial(simulated_savings.simulate_savings, metric_id=metric_id, router=router)
    return CoveredFigure(metric_id + of, told, rates=rates, rare=inf)


COVERED_FIGURES = (
    CoveredFigure("ratio", simulated_intervals.simulate_ratio),
    CoveredFigure("ratio, head-sampled", simulated_intervals.simulate_weighted_ratio, worth=0.47),
    CoveredFigure("difference of two arms", simulated_arms.simulate_arm_difference),
    CoveredFigure("mean from bins", simulated_arms.simulate_binned_mean, rates=RATE_RANGES[:1]),
    CoveredFigure("P95 from bins", simulated_arms.simulate_binned_quantile, rates=RATE_RANGES[:1]),
    CoveredFigure("disagreement", simulated_intervals.simulate_disagreement, worth=0.68),
    CoveredFigure("disagreement_rate", simulated_intervals.simulate_disagreement_rate, worth=0.68),
    CoveredFigure(
        "people, judge 5 % wrong", partial(simulated_intervals.simulate_human_judgement, mistaken=0.05), least=0.05
    ),
    CoveredFigure(
        "people, judge 30 % wrong", partial(simulated_intervals.simulate_human_judgement, mistaken=0.3), least=0.3
    ),
    CoveredFigure("large minus small, equal", partial(simulated_intervals.simulate_difference, tilted=False), rare=0.5),
    CoveredFigure("large minus small, better", partial(simulated_intervals.simulate_difference, tilted=True), rare=0.2),
    CoveredFigure("large minus small, graded", simulated_intervals.simulate_graded_difference),
    CoveredFigure("AC1", partial(simulated_intervals.simulate_ac1, first=0.7)),
    CoveredFigure("AUC", simulated_intervals.simulate_auc),
    CoveredFigure("growth", simulated_intervals.simulate_growth),
    CoveredFigure(
        "what-if quality",
        partial(simulated_thresholds.simulate_what_if, what="quality", moved=0.5),
        (3, 10, 30, 100),
        rare=0.5,
    ),
    CoveredFigure(
        "what-if cost",
        partial(simulated_thresholds.simulate_what_if, what="cost_usd", moved=0.5),
        (3, 10, 30, 100),
        RATE_RANGES[2:3],
    ),
    CoveredFigure("what-if escalation", simulated_thresholds.simulate_escalation, (30, 1000)),
    CoveredFigure("ratio of sessions", simulated_slices.simulate_sessions, rates=RATE_RANGES[::2]),
    CoveredFigure("people, half of the strata labelled", simulated_slices.simulate_partial_labels, rare=0.5),
    CoveredFigure("repeated prompts", simulated_slices.simulate_repeated_prompts),
    CoveredFigure("large minus small, in advice", simulated_slices.simulate_advised_gap, rare=0.2),
    CoveredFigure(
        "share under a drift rule", simulated_slices.simulate_drifting_share, worth=1 / simulated_slices.OVERDISPERSION
    ),
    CoveredFigure("cost of a completed task", simulated_money.simulate_unit_cost),
    CoveredFigure("forecast of a budget", simulated_money.simulate_budget_forecast, (10, 30), RATE_RANGES[:1]),
    CoveredFigure("difference of two models", simulated_money.simulate_paired_pass_rates, rare=0.5),
    _saving("saving_vs_all_large", simulated_savings.ONE_TASK),
    _saving("saving_vs_all_large", simulated_savings.LONG_TAILED, ", long-tailed costs"),
    _saving("saving_vs_all_large", simulated_savings.FIVE_TASKS, ", five task types"),
    _saving("saving_vs_all_large", simulated_savings.ONE_TENANT, ", one tenant of many"),
    _saving("saving_vs_all_large", simulated_savings.NO_SHADOWS, ", no shadows", RATE_RANGES[2:3]),
    _saving("saving_share_vs_all_large", simulated_savings.FIVE_TASKS, rates=RATE_RANGES[3:]),
    _saving("cost_against_all_escalated", simulated_savings.ONE_TASK, rates=RATE_RANGES[2:]),
    _saving("saving_vs_all_small", simulated_savings.FIVE_TASKS),
    _saving("saving_vs_random", simulated_savings.FIVE_TASKS),
)


# The figures whose intervals a module of the package makes: whatever has a quantile in it.
INTERVAL_MODULES: dict[str, tuple[str, ...]] = {
    "alerting/detectors/drift/drift_readings.py": ("share under a drift rule",),
    "audit/statistics/agreement.py": ("AC1", "disagreement"),
    "audit/statistics/calibration.py": ("AUC", "disagreement", "ECE, even, shifted"),
    "audit/statistics/weighted_estimate.py": (
        *("disagreement", "what-if cost", "large minus small, equal", "large minus small, graded"),
        *("people, judge 5 % wrong", "people, judge 30 % wrong"),
    ),
    "audit/threshold_sweep.py": ("what-if escalation", "what-if quality"),
    "audit/answer_quality.py": ("people, half of the strata labelled",),
    "client/queries/region_result.py": ("difference of two arms",),
    "client/queries/costs/entropy_query.py": ("ratio",),
    "ui/data/differences.py": ("difference of two arms", "mean from bins", "P95 from bins"),
    "ui/audits/plan_editor.py": ("ratio",),
    "ui/reports/reliability_section.py": ("ratio",),
    "metrics/queries/replay_query.py": ("ratio", "disagreement_rate"),
    "metrics/queries/metric_query.py": ("ratio", "ratio of sessions", "growth", "saving_vs_all_large"),
    "metrics/queries/batch_query.py": ("ratio", "growth"),
    "metrics/queries/window_query.py": ("ratio", "disagreement_rate"),
    "client/advice/graded_lanes.py": ("large minus small, in advice",),
    "client/advice/repeated_calls.py": ("repeated prompts",),
    "client/advice/traffic_advice.py": ("ratio",),
    "client/advice/profile_advice.py": ("ratio",),
    "money/unit_costs.py": ("cost of a completed task",),
    "money/budget_forecast.py": ("forecast of a budget",),
    "profile/pass_rates.py": ("ratio", "difference of two models"),
    "profile/tier_choice.py": ("ratio", "difference of two models"),
    "store/schema/cost_interval.sql": ("saving_vs_all_large", "saving_vs_all_small", "saving_vs_random"),
}


def covered_figure_of(metric: Metric) -> str:
    """The figure that stands for a metric with an interval: one for all whose interval is the same formula."""
    if metric.low:
        return metric.id
    if metric.kind == "slope":
        return "growth"
    if metric.source == "comparisons":
        return "disagreement_rate"
    return "ratio of sessions" if "distinct(" in metric.sql else "ratio"


def run_coverage_bench(tell: Callable[[str], None], runs: int = RUNS, seed: int = SEED) -> CoverageBenchResult:
    """Simulate everything; three to five minutes for RUNS runs on one core."""
    cells = [*_intervals(tell, runs, seed)]
    tell("calibration errors")
    errors, of_errors = _calibration(runs, seed)
    tell("verdicts on equal lanes")
    random = np.random.default_rng(seed)
    false, uncorrected = (
        simulated_thresholds.false_worse_share(random, runs, COMPARED_SLICES, corrected=corrected)
        for corrected in (True, False)
    )
    cells += of_errors
    told = [cell.coverage for cell in cells if cell.coverage is not None]
    wide = [cell.coverage for cell in cells if cell.coverage is not None and not cell.rare]
    return CoverageBenchResult(
        min(told), max(wide), false, uncorrected, errors[False], errors[True], runs, tuple(cells)
    )


def _intervals(tell: Callable[[str], None], runs: int, seed: int) -> Iterator[CoverageCell]:
    """Every figure at every size and rate."""
    with closing(DuckStore.in_memory()) as store:
        for at, figure in enumerate(COVERED_FIGURES):
            tell(figure.name)
            for n in figure.sizes:
                for rate in figure.rates if n >= 10 else ((figure.rates[0][0], figure.rates[-1][1]),):
                    random = np.random.default_rng([seed, at, n, int(1000 * rate[0])])
                    world = figure.world(random, runs, n, rate, store)
                    yield _cell(figure, n, rate, _simulate_until_told(figure, world))


def _simulate_until_told(figure: CoveredFigure, world: SimulatedRuns) -> SimulatedInterval:
    """Its runs; where few of them have an interval, more are made, up to MAX_ROUNDS times as many."""
    found = figure.told(world)
    share = np.isfinite(found.ends).all(axis=0).mean()
    rounds = min(MAX_ROUNDS, ceil(ENOUGH_TOLD_SHARE / share)) if share > MIN_TOLD_SHARE else 1
    return SimulatedInterval.joined([found, *(figure.told(world) for _ in range(rounds - 1))])


def _cell(figure: CoveredFigure, n: int, rate: RateRange, told: SimulatedInterval) -> CoverageCell:
    """How often an interval is told, and holds the truth."""
    low, high = told.ends
    known = np.isfinite(low) & np.isfinite(high)
    held = (low <= told.truth) & (told.truth <= high)
    coverage = float(held[known].mean()) if known.mean() > MIN_TOLD_SHARE else None
    rare = n * min(figure.rare * sum(rate) / 2, figure.least) <= MIN_RARE_ANSWERS
    return CoverageCell(figure.name, n, *rate, float(known.mean()), coverage, rare)


def _calibration(runs: int, seed: int) -> tuple[Mapping[bool, float], list[CoverageCell]]:
    """How far the mean estimate is off, by whether the truth is 0, and the coverage of its interval."""
    off: dict[bool, float] = {True: 0.0, False: 0.0}
    cells = []
    for scale in simulated_thresholds.CONFIDENCE_SCALES:
        for n in ANSWER_COUNTS:
            for truth, name in [
                (0.0, "shifted"),
                *((e, name) for e in CALIBRATION_ERRORS for name in simulated_thresholds.ERROR_SHAPES),
            ]:
                random = np.random.default_rng([seed, n, int(100 * truth)])
                found = simulated_thresholds.simulate_calibration_error(random, runs, n, truth, name, scale)
                error = abs(float(found[0].mean()) - truth) / (truth or 1)
                off[truth == 0] = max(off[truth == 0], error)
                held = float(((found[1] <= truth) & (truth <= found[2])).mean())
                cells.append(CoverageCell(f"ECE, {scale}, {name}", n, truth, truth, 1.0, held, truth == 0))
    return off, cells


def _range(cells: list[CoverageCell]) -> dict[str, str]:
    """The lowest and highest coverage, where it is told."""
    told = [cell.coverage for cell in cells if cell.coverage is not None]
    refused = "refused" if not told else "partly" if len(told) < len(cells) else ""
    return {"lowest": f"{min(told):.3f}" if told else "", "highest": f"{max(told):.3f}" if told else "", "": refused}
