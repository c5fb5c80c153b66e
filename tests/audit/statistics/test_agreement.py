"""Agreement of two judges against figures worked out by hand and published ones."""

import numpy as np
import pytest

from controlsurface.audit.statistics.agreement import measure_agreement, weighted_agreement


def judged(table: list[list[int]]) -> tuple[list[str], list[str]]:
    cells = [(f"{i}", f"{j}") for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    first, second = zip(*cells, strict=True)
    return list(first), list(second)


def test_gwets_example_has_a_high_ac1_and_a_negative_kappa() -> None:
    found = measure_agreement(*judged([[118, 5], [2, 0]]))
    assert found.raw == pytest.approx(0.944)
    assert found.ac1 == pytest.approx(0.9408, abs=1e-4)
    assert found.kappa == pytest.approx(-0.0234, abs=1e-4)
    assert (found.ac1_low or 1) < 0.9408 < (found.ac1_high or 0)


def test_items_that_one_judge_left_out_do_not_count() -> None:
    found = measure_agreement(["a", None, "b", "a"], ["a", "a", "b", None])
    assert (found.n, found.raw, found.ac1) == (2, 1, 1)


def test_agreement_without_common_items_is_unknown() -> None:
    assert measure_agreement(["a"], [None]).raw is None


def test_chance_corrected_agreement_of_one_category_is_unknown() -> None:
    found = measure_agreement(["a", "a"], ["a", "a"])
    assert (found.raw, found.ac1, found.kappa) == (1, None, None)


def test_ac1s_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    first = (random.random((1000, 300)) < 0.8).astype(np.int64)
    second = np.where(random.random(first.shape) < 0.1, 1 - first, first)
    found = [weighted_agreement(a, b, a == b, np.ones(300)) for a, b in zip(first, second, strict=True)]
    shares = (0.8 + 0.8 * 0.9 + 0.2 * 0.1) / 2
    chance = 2 * shares * (1 - shares)
    truth = (0.9 - chance) / (1 - chance)
    held = [each.ac1_low <= truth <= each.ac1_high for each in found if each.ac1_low and each.ac1_high]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)
