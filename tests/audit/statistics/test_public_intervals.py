"""How intervals go wrong elsewhere, as public trackers report it, tried on ours. Each case names its report."""

import numpy as np
import pytest

from controlsurface.arrays import Floats
from controlsurface.audit.statistics.agreement import measure_agreement
from controlsurface.audit.statistics.calibration import measure_calibration
from controlsurface.audit.statistics.weighted_estimate import estimate_share, paired_difference_estimate, ppi_mean
from controlsurface.metrics.statistics import holm_adjust


@pytest.mark.parametrize("n", [25, 400])
def test_the_interval_of_a_perfect_score_of_few_has_a_width(n: int) -> None:
    """EleutherAI/lm-evaluation-harness issue 4070: at 0 or 100 % the reported error is exactly 0 at any size."""
    ones: Floats = np.ones(n)
    words = ["a", "b"] * (n // 2)
    labels = ppi_mean(ones, ones, np.ones(1000), ones, np.ones(1000))
    found = (estimate_share(ones, ones), labels, paired_difference_estimate(0 * ones, ones)[0])
    widths = [(each.high or 0) - (each.low or 0) for each in found]
    agreed = measure_agreement(words, words)
    widths.append((agreed.ac1_high or 0) - (agreed.ac1_low or 0))
    assert all(1 / n < width < 30 / n for width in widths)


@pytest.mark.parametrize(("right", "low", "high"), [(10, 0.7225, 1.0), (0, 0.0, 0.2775)])
def test_intervals_of_ten_of_ten_and_none_of_ten_are_those_of_the_textbook(right: int, low: float, high: float) -> None:
    """NVIDIA/garak pull request 2034: a bootstrap of 10 of 10 has no width; these are the ends it should have."""
    found = estimate_share(np.array([1.0] * right + [0.0] * (10 - right)), np.ones(10))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_the_interval_of_nineteen_of_twenty_ends_below_one() -> None:
    """UKGovernmentBEIS/inspect_ai pull request 4980: Student's interval of 19 of 20 ends above 1."""
    found = estimate_share(np.array([1.0] * 19 + [0.0]), np.ones(20))
    assert found.high is not None
    assert 0.95 < found.high < 1


def test_a_larger_p_value_is_never_corrected_to_a_smaller_one() -> None:
    """HomericIntelligence/Scylla pull request 288: 0.01 and 0.011 were corrected to 0.02 and 0.011."""
    assert holm_adjust(np.array([0.01, 0.011])).tolist() == pytest.approx([0.02, 0.02])


def test_p_values_are_corrected_by_rank_and_not_by_place() -> None:
    """raphaelvallat/pingouin issue 294 suspects that Holm's correction goes by the order of rows."""
    chances = np.array([0.04, 0.001, 0.03, 0.005])
    order = np.array([2, 0, 3, 1])
    assert holm_adjust(chances).tolist() == pytest.approx([0.06, 0.004, 0.06, 0.015])
    assert holm_adjust(chances[order]) == pytest.approx(holm_adjust(chances)[order])


def test_agreement_by_necessity_is_unknown_and_no_nan() -> None:
    """dkpro/dkpro-statistics issue 13: one item of one category gave NaN."""
    found = measure_agreement(["c"], ["c"])
    assert (found.raw, found.ac1, found.ac1_low, found.kappa) == (1, None, None, None)


def test_a_judge_who_is_off_by_as_much_everywhere_is_corrected_whole() -> None:
    """aangelopoulos/ppi_py issue 13: labels, and a judge who says 2 more of each."""
    random = np.random.default_rng(7)
    truth = random.random(1100) / 2
    found = ppi_mean(truth[:100], truth[:100] + 0.4, truth[100:] + 0.4, np.ones(100), np.ones(1000))
    assert found.low is not None
    assert found.high is not None
    assert found.low < truth.mean() < found.high
    assert found.value == pytest.approx(truth.mean(), abs=0.02)


def test_the_calibration_error_of_all_right_answers_is_one_minus_their_confidence() -> None:
    """JonathanWenger/pycalib issue 4: a wrong error where all predictions are accurate."""
    confidence = np.random.default_rng(8).uniform(0.81, 0.99, 600)
    errors = measure_calibration(confidence, np.ones(600), np.ones(600)).errors
    assert errors is not None
    assert errors.ece_corrected == pytest.approx(1 - confidence.mean(), rel=0.01)
    assert errors.ece_low < 1 - confidence.mean() < errors.ece_high
