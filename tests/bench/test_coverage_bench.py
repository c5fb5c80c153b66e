"""The simulation of intervals: its figures against ones that are counted in another way."""

import re
from collections.abc import Iterator
from dataclasses import replace
from math import comb, sqrt
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

import controlsurface
from controlsurface.bench import coverage_bench
from controlsurface.bench.simulation import simulated_intervals, simulated_savings, simulated_thresholds
from controlsurface.bench.simulation.simulated_intervals import SimulatedRuns
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import interval_columns
from controlsurface.store.duckdb import DuckStore

T = TypeVar("T")
Z = 1.959963984540054
RUNS = 600
SAVED = {each.name for each in coverage_bench.COVERED_FIGURES if each.name.startswith(("saving_", "cost_against"))}
PACKAGE = Path(controlsurface.__file__).parent
INTERVALS = "wilson_interval|student_quantile|paired_interval|normal_interval"
QUANTILE = re.compile(rf"1\.95996|import [^\n]*\b(?:{INTERVALS})\b|(?<![.\w])(?:{INTERVALS})\(")
# The formulas themselves, how many rows an interval rests on, and made figures that rules are tested with.
NO_INTERVAL = {
    "alerting/testing/rule_test_runner.py",
    "alerting/rule_preview.py",
    "metrics/statistics.py",
    "client/advice/advice_row.py",
}


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


def exact(n: int, p: float) -> float:
    """How often Wilson's interval of n rows holds p: over all counts there can be."""

    def holds(k: int) -> bool:
        return abs(k / n - p) <= Z * sqrt(p * (1 - p) / n)  # the score test that the interval inverts

    return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if holds(k))


@pytest.mark.parametrize(("n", "p"), [(3, 0.3), (10, 0.05), (10, 0.5), (30, 0.1), (100, 0.02)])
def test_simulated_coverage_is_the_exact_coverage_over_all_counts(n: int, p: float, store: DuckStore) -> None:
    world = SimulatedRuns(np.random.default_rng([n]), 4000, n, (p, p), store)
    (low, high), truth = simulated_intervals.simulate_ratio(world)
    assert ((low <= truth) & (truth <= high)).mean() == pytest.approx(exact(n, p), abs=0.015)


def figure(name: str) -> coverage_bench.CoveredFigure:
    return next(each for each in coverage_bench.COVERED_FIGURES if each.name == name)


@pytest.mark.parametrize("name", [each.name for each in coverage_bench.COVERED_FIGURES])
def test_each_simulated_interval_holds_the_truth_as_often_as_it_says_or_is_refused(name: str, store: DuckStore) -> None:
    chosen = figure(name)
    for n in {10, 30, 100} & {*chosen.sizes}:
        rate = chosen.rates[len(chosen.rates) // 2]
        world = chosen.world(np.random.default_rng([n, 5]), RUNS, n, rate, store)
        cell = coverage_bench._cell(chosen, n, rate, chosen.told(world))
        if cell.coverage is None:
            assert (
                name
                in {
                    "mean from bins",
                    "P95 from bins",
                    "large minus small, graded",
                    "AUC",
                    "growth",
                    "what-if cost",
                    "large minus small, in advice",
                    "cost of a completed task",
                }
                | SAVED
            )
        elif cell.told > 0.1:
            assert 0.92 < cell.coverage < (1.001 if cell.rare else 0.99)


def test_every_metric_with_an_interval_has_a_figure_in_the_simulation() -> None:
    """A new kind of interval in the catalogue fails here until it is simulated."""
    names = {each.name for each in coverage_bench.COVERED_FIGURES}
    assert {
        coverage_bench.covered_figure_of(metric) for metric in CATALOG.values() if interval_columns(metric)
    } <= names


def test_every_module_that_makes_an_interval_has_a_figure_in_the_simulation() -> None:
    texts = {str(path.relative_to(PACKAGE)): path.read_text("utf-8") for path in sources()}
    makers = {name for name, text in texts.items() if QUANTILE.search(text)} - NO_INTERVAL
    assert makers - {*coverage_bench.INTERVAL_MODULES} == set()
    assert {name for name in coverage_bench.INTERVAL_MODULES if name not in texts} == set()
    known = {each.name for each in coverage_bench.COVERED_FIGURES} | {"ECE, even, shifted"}
    assert {name for names in coverage_bench.INTERVAL_MODULES.values() for name in names} <= known


def sources() -> Iterator[Path]:
    """The package's code and SQL, without what measures it."""
    for pattern in ("*.py", "*.sql"):
        yield from (path for path in PACKAGE.rglob(pattern) if path.relative_to(PACKAGE).parts[0] != "bench")


@pytest.mark.parametrize(
    ("metric_id", "router", "rate"),
    [
        ("saving_vs_all_large", simulated_savings.ONE_TASK, (0.1, 0.2)),
        ("saving_share_vs_all_large", simulated_savings.FIVE_TASKS, (0.35, 0.5)),
        ("saving_vs_all_small", simulated_savings.ONE_TASK, (0.1, 0.2)),
        ("saving_vs_random", simulated_savings.FIVE_TASKS, (0.35, 0.5)),
    ],
)
def test_the_interval_of_a_saving_holds_what_was_saved(
    metric_id: str, router: simulated_savings.SimulatedRouter, rate: tuple[float, float], store: DuckStore
) -> None:
    (low, high), truth = simulated_savings.simulate_savings(
        SimulatedRuns(np.random.default_rng(8), 500, 1000, rate, store), metric_id, router
    )
    known = np.isfinite(low)
    assert known.mean() > 0.5
    assert 0.92 < ((low <= truth) & (truth <= high))[known].mean() < 0.98


def test_a_router_that_nobody_shadows_has_no_interval_of_its_saving(store: DuckStore) -> None:
    """It sends up what is long to answer, so what was sent up says little of what was not: 1 of 20 would hold."""
    told = simulated_savings.simulate_savings(
        SimulatedRuns(np.random.default_rng(9), 50, 1000, (0.1, 0.2), store),
        "saving_vs_all_large",
        simulated_savings.NO_SHADOWS,
    )
    assert np.isnan(told.ends).all()


@pytest.mark.parametrize(("name", "n"), [("large minus small, graded", 10), ("AUC", 10), ("growth", 30)])
def test_an_interval_of_too_few_rows_is_refused(name: str, n: int, store: DuckStore) -> None:
    told = figure(name).told(SimulatedRuns(np.random.default_rng(1), 50, n, (0.1, 0.2), store))
    assert np.isnan(told.ends).all()


def test_a_what_if_of_three_shadows_gives_no_interval() -> None:
    store = DuckStore.in_memory()
    told = simulated_thresholds.simulate_what_if(
        SimulatedRuns(np.random.default_rng(1), 50, 3, (0.1, 0.2), store), "quality", 0.5
    )
    assert np.isnan(told.ends).all()
    store.close()


def test_equal_lanes_are_rarely_called_worse_and_without_correction_mostly() -> None:
    random = np.random.default_rng(3)
    assert simulated_thresholds.false_worse_share(random, 300, 57) <= 0.05
    assert simulated_thresholds.false_worse_share(random, 100, 57, corrected=False) > 0.4


@pytest.mark.parametrize("shape", simulated_thresholds.ERROR_SHAPES)
@pytest.mark.parametrize("truth", [0.05, 0.1])
def test_the_calibration_error_is_right_from_500_answers_on(shape: str, truth: float) -> None:
    found = simulated_thresholds.simulate_calibration_error(np.random.default_rng(4), 800, 500, truth, shape, "even")
    assert found[0].mean() == pytest.approx(truth, rel=0.15)
    assert ((found[1] <= truth) & (truth <= found[2])).mean() > 0.93


def test_confidences_that_are_right_have_next_to_no_calibration_error() -> None:
    found = simulated_thresholds.simulate_calibration_error(np.random.default_rng(5), 800, 500, 0.0, "shifted", "even")
    assert found[0].mean() < 0.02
    assert (found[1] == 0).mean() > 0.95


def test_the_coverage_bench_is_summed_up_in_few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = tuple(
        replace(each, sizes=ends(each.sizes), rates=ends(each.rates)) for each in coverage_bench.COVERED_FIGURES
    )
    monkeypatch.setattr(coverage_bench, "COVERED_FIGURES", figures)
    said: list[str] = []
    found = coverage_bench.run_coverage_bench(said.append, runs=20, seed=1).rounded()
    assert {"worst_coverage", "false_worse_share", "ece_worst_error"} <= {*found}
    assert found["false_worse_share"] <= 0.1
    assert found["uncorrected_worse_share"] > 0.3
    assert {row["figure"] for row in found["coverage"]} > {each.name for each in coverage_bench.COVERED_FIGURES}
    assert any(row["coverage"] == "refused" for row in found["coverage"])
    assert said[0] == "ratio"


def ends(values: tuple[T, ...]) -> tuple[T, ...]:
    """The first and the last."""
    return values[:: max(1, len(values) - 1)]
