"""Which lane is worse is said of enough grades, and of all slices that are looked at together."""

import numpy as np
import pytest

from controlsurface.audit.disagreement_query import (
    PERHAPS_WORSE_VERDICT,
    WORSE_VERDICT,
    DisagreementArgs,
    DisagreementQuery,
    large_lane_verdict,
)
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import World
from tests.audit.simulated_store import fill

EQUAL = 20


def graded(random: np.random.Generator, n: int, small: float, large: float) -> World:
    right = random.random((2, n)) < np.array([[small], [large]])
    small_right, large_right = right.astype(np.float64)
    return World(random.random(n), small_right, large_right, np.ones(n), np.ones(n))


@pytest.fixture(scope="module")
def reader() -> LocalClient:
    """Twenty task types of equal lanes, one whose large lane is worse, and one of 20 pairs where it is worse by far."""
    store, random, at = DuckStore.in_memory(), np.random.default_rng(9), 0
    worlds = {f"equal-{i}": (80, 0.7, 0.7) for i in range(EQUAL)} | {"worse": (80, 0.9, 0.5), "few": (20, 0.95, 0.2)}
    for task, (n, small, large) in worlds.items():
        fill(store, random, graded(random, n, small, large), task, np.ones(n), start=at)
        at += n
    return LocalClient(store)


@pytest.fixture(scope="module")
def rows(reader: LocalClient) -> dict[str, dict[str, object]]:
    return {row["task_type"]: row for row in reader.run(DisagreementQuery(DisagreementArgs())).rows.to_pylist()}


def test_a_worse_lane_is_named_among_many_and_equal_ones_are_not(rows: dict[str, dict[str, object]]) -> None:
    assert [name for name, row in rows.items() if row["large"] == WORSE_VERDICT] == ["worse"]


def test_twenty_pairs_are_too_few_for_a_verdict_and_show_their_difference(rows: dict[str, dict[str, object]]) -> None:
    few = rows["few"]
    assert (few["graded"], few["large"], few["p_value"]) == (20, None, None)
    assert float(str(few["large_minus_small_high"])) < 0


def test_the_p_value_of_the_surest_slice_is_its_own_times_the_slices_tested(
    reader: LocalClient, rows: dict[str, dict[str, object]]
) -> None:
    (alone,) = reader.run(DisagreementQuery(DisagreementArgs(where=("task_type:worse",)))).rows.to_pylist()
    assert rows["worse"]["p_value"] == pytest.approx(alone["p_value"] * (EQUAL + 1))


@pytest.mark.parametrize(
    ("gap", "chance", "said"),
    [
        (-0.2, 0.01, WORSE_VERDICT),
        (-0.2, 0.2, PERHAPS_WORSE_VERDICT),
        (0.2, 0.01, "better"),
        (0.2, 0.2, "no worse"),
        (-0.2, None, None),
    ],
)
def test_a_verdict_is_the_side_if_the_p_value_is_small(gap: float, chance: float | None, said: str | None) -> None:
    assert large_lane_verdict(gap, chance) == said
