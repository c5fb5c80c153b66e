"""What is said of many slices together is said by chance in at most one look in twenty, and what is so is found."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.metrics.statistics import FAMILYWISE_ALPHA, holm_adjust, paired_p_value

SLICES, LOOKS = 57, 1000


def test_holm_says_what_r_says() -> None:
    # p.adjust(c(0.001, 0.01, 0.04, 0.20, 0.50), "holm") of R's stats package, worked out by hand
    assert holm_adjust([0.20, 0.001, 0.50, 0.04, 0.01]) == pytest.approx([0.40, 0.005, 0.50, 0.12, 0.04])


def test_holm_does_not_count_p_values_that_are_unknown() -> None:
    assert holm_adjust([0.02, float("nan"), 0.03])[::2] == pytest.approx([0.04, 0.04])
    assert holm_adjust([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_closed_test_of_bonferroni(chances: list[float]) -> None:
    """A figure holds where every set of figures that it belongs to holds by Bonferroni: the definition, spelled out."""
    for place, held in enumerate(holm_adjust(chances)):
        sets = (
            [chance for chance, chosen in zip(chances, choice, strict=True) if chosen]
            for choice in product((True, False), repeat=len(chances))
            if choice[place]
        )
        assert held == pytest.approx(max(min(1.0, len(each) * min(each)) for each in sets))


@pytest.mark.parametrize("n", [5, 10, 20, 40])
def test_pairs_that_all_differ_one_way_are_no_surer_than_coins(n: int) -> None:
    coins = 2 * 0.5**n  # the exact sign test
    assert coins <= paired_p_value(-n, n, n)


@pytest.mark.parametrize("weighted", [False, True], ids=["equal weights", "weights by sampling"])
@pytest.mark.parametrize("pairs", [30, 300])
@pytest.mark.parametrize("right", [0.9, 0.3])
def test_holm_calls_one_of_57_equal_slices_different_in_at_most_5_percent_of_looks(
    pairs: int, right: float, weighted: bool
) -> None:
    random = np.random.default_rng(pairs + weighted)
    size = (LOOKS, SLICES, pairs)
    gap = (random.random(size) < right).astype(float) - (random.random(size) < right)
    weight = random.choice([1.0, 2.0, 10.0], size) if weighted else np.ones(size)
    sums = [(weight * gap).sum(2), (weight * gap) ** 2 @ np.ones(pairs), np.abs(weight * gap).sum(2)]
    chances = np.vectorize(paired_p_value)(*sums)
    wrong = np.mean([min(holm_adjust(look)) < FAMILYWISE_ALPHA for look in chances.tolist()])
    assert wrong <= 0.05
    if pairs == 300:  # 30 pairs alone are judged with care
        assert np.mean((chances < FAMILYWISE_ALPHA).any(axis=1)) > 0.3  # without Holm many looks would find one


def test_a_slice_that_is_worse_is_found_among_57() -> None:
    random = np.random.default_rng(3)
    found = 0
    for _ in range(200):
        gap = (random.random((SLICES, 270)) < 0.5).astype(float) - (random.random((SLICES, 270)) < 0.5)
        gap[0] = (random.random(270) < 0.03).astype(float) - (random.random(270) < 0.32)
        chances = [paired_p_value(each.sum(), (each**2).sum(), np.abs(each).sum()) for each in gap]
        found += holm_adjust(chances)[0] < FAMILYWISE_ALPHA
    assert found == 200
