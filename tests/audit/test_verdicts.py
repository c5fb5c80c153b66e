"""Which lane is worse is said of enough grades, and of all slices that are looked at together."""

import numpy as np
import pytest

from controlsurface.audit.disagreement import PERHAPS, WORSE, verdict
from controlsurface.audit.questions import Disagreement, DisagreementArgs
from controlsurface.reader import LocalReader
from controlsurface.store.duckdb import DuckStore
from tests.audit.filled import fill
from tests.audit.routers import World

EQUAL = 20


def graded(random: np.random.Generator, n: int, small: float, large: float) -> World:
    right = random.random((2, n)) < np.array([[small], [large]])
    small_right, large_right = right.astype(np.float64)
    return World(random.random(n), small_right, large_right, np.ones(n), np.ones(n))


@pytest.fixture(scope="module")
def reader() -> LocalReader:
    """Twenty task types of equal lanes, one whose large lane is worse, and one of 20 pairs where it is worse by far."""
    store, random, at = DuckStore.in_memory(), np.random.default_rng(9), 0
    worlds = {f"equal-{i}": (80, 0.7, 0.7) for i in range(EQUAL)} | {"worse": (80, 0.9, 0.5), "few": (20, 0.95, 0.2)}
    for task, (n, small, large) in worlds.items():
        fill(store, random, graded(random, n, small, large), task, np.ones(n), start=at)
        at += n
    return LocalReader(store)


@pytest.fixture(scope="module")
def rows(reader: LocalReader) -> dict[str, dict[str, object]]:
    return {row["task_type"]: row for row in reader.ask(Disagreement(DisagreementArgs())).rows.to_pylist()}


def test_a_worse_lane_is_named_among_many_and_equal_ones_are_not(rows: dict[str, dict[str, object]]) -> None:
    assert [name for name, row in rows.items() if row["large"] == WORSE] == ["worse"]


def test_twenty_pairs_are_too_few_for_a_verdict_and_show_their_difference(rows: dict[str, dict[str, object]]) -> None:
    few = rows["few"]
    assert (few["graded"], few["large"], few["p_value"]) == (20, None, None)
    assert float(str(few["large_minus_small_high"])) < 0


def test_the_chance_of_the_surest_slice_is_its_own_times_the_slices_looked_at(
    reader: LocalReader, rows: dict[str, dict[str, object]]
) -> None:
    (alone,) = reader.ask(Disagreement(DisagreementArgs(where=("task_type:worse",)))).rows.to_pylist()
    assert rows["worse"]["p_value"] == pytest.approx(alone["p_value"] * (EQUAL + 1))


@pytest.mark.parametrize(
    ("gap", "chance", "said"),
    [(-0.2, 0.01, WORSE), (-0.2, 0.2, PERHAPS), (0.2, 0.01, "better"), (0.2, 0.2, "no worse"), (-0.2, None, None)],
)
def test_a_verdict_is_the_side_if_the_chance_is_small(gap: float, chance: float | None, said: str | None) -> None:
    assert verdict(gap, chance) == said
