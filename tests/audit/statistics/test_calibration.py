"""Calibration: errors without their bias, parts that add up, refusals that say why, and the isotonic map."""

import numpy as np
import pytest

from controlsurface.audit.statistics.calibration import CalibrationResult, fit_isotonic, measure_calibration


def perfect(random: np.random.Generator, n: int, kind: str = "probability") -> CalibrationResult:
    confidence = random.random(n)
    return measure_calibration(confidence, (random.random(n) < confidence).astype(float), np.ones(n), kind)


def test_the_bias_of_calibration_error_is_that_of_perfect_calibration() -> None:
    random = np.random.default_rng(1)
    found = [errors for _ in range(200) if (errors := perfect(random, 600).errors) is not None]
    ece = np.array([each.ece for each in found])
    assert np.mean([each.ece_bias for each in found]) == pytest.approx(ece.mean(), rel=0.05)
    assert np.mean([each.ece_corrected for each in found]) < 0.4 * ece.mean()
    assert np.mean([each.ece_low == 0 for each in found]) > 0.93


def test_the_bias_of_calibration_error_is_the_stated_sum() -> None:
    found = perfect(np.random.default_rng(2), 800)
    confidence = np.random.default_rng(2).random(800)
    cell = np.minimum((confidence * 10).astype(int), 9)
    sums = np.bincount(cell, confidence * (1 - confidence))
    assert found.errors is not None
    assert found.errors.ece_bias == pytest.approx((2 / np.pi) ** 0.5 * np.sqrt(sums).sum() / 800)


def test_overconfidence_is_found() -> None:
    random = np.random.default_rng(3)
    confidence = random.random(5000)
    right = (random.random(5000) < 0.5 * confidence).astype(float)
    found = measure_calibration(confidence, right, np.ones(5000))
    assert found.errors is not None
    assert found.errors.ece_corrected == pytest.approx(0.25, abs=0.02)
    assert all(each.correct.value is not None and each.correct.value < each.confidence for each in found.bins)


def test_briers_parts_add_up() -> None:
    errors = perfect(np.random.default_rng(4), 900).errors
    assert errors is not None
    parts = errors.reliability - errors.resolution + errors.uncertainty + errors.within
    assert parts == pytest.approx(errors.brier)


def test_calibration_of_too_few_answers_is_refused_and_still_shown_by_bin() -> None:
    found = perfect(np.random.default_rng(5), 499)
    assert found.refused is not None
    assert found.refused.startswith("499 graded answers; under 500")
    assert (found.errors, found.map) == (None, None)
    assert found.bins
    assert found.ranking is not None


def test_a_score_is_ranked_and_mapped_and_not_calibrated() -> None:
    found = perfect(np.random.default_rng(6), 20_000, kind="cosine")
    assert found.refused is not None
    assert found.refused.startswith("a cosine is not a probability")
    assert found.errors is None
    assert found.ranking is not None
    assert found.ranking.value == pytest.approx(5 / 6, abs=0.01)  # of p uniform and right with chance p
    assert found.map is not None
    assert found.map(np.array([0.5])) == pytest.approx([0.5], abs=0.08)


def test_confidences_of_seven_values_have_a_calibration_row_each() -> None:
    random = np.random.default_rng(7)
    confidence = random.integers(1, 8, 1000) / 8
    found = measure_calibration(confidence, (random.random(1000) < confidence).astype(float), np.ones(1000))
    assert found.refused is not None
    assert found.refused.startswith("only 7 different values")
    assert [(each.lower, each.upper) for each in found.bins] == [(i / 8, i / 8) for i in range(1, 8)]
    assert (found.errors, found.map) == (None, None)


def test_calibration_without_graded_answers_says_so() -> None:
    assert measure_calibration(np.array([]), np.array([]), np.array([])).refused == (
        "0 graded answers; under 500 the figure would be mostly noise"
    )


def test_a_weight_stands_for_as_many_rows() -> None:
    random = np.random.default_rng(8)
    confidence, right = random.random(600), (random.random(600) < 0.5).astype(float)
    twice = measure_calibration(confidence, right, np.full(600, 2.0)).errors
    assert twice == measure_calibration(confidence, right, np.ones(600)).errors


def test_the_isotonic_map_rises_and_joins_its_steps() -> None:
    scores = np.array([1.0, 2.0, 2.0, 3.0, 4.0])
    found = fit_isotonic(scores, np.array([0.0, 1.0, 0.0, 0.0, 1.0]), np.ones(5))
    assert list(found.x) == [1, 2, 3, 4]
    assert found.y == pytest.approx((0, 1 / 3, 1 / 3, 1))
    assert found(np.array([0.0, 3.5, 9.0])) == pytest.approx([0, 2 / 3, 1])
