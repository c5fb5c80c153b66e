"""Rankings, agreement and isotonic maps against scikit-learn's and SciPy's."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, cohen_kappa_score, roc_auc_score

from controlsurface.audit.statistics.agreement import measure_agreement, weighted_agreement
from controlsurface.audit.statistics.calibration import (
    fit_isotonic,
    measure_calibration,
    pool_adjacent_violators,
    ranking_auc,
)

WEIGHTS = st.sampled_from([0.5, 1.0, 2.0, 20.0])
GRADED = st.lists(st.tuples(st.integers(0, 12), st.booleans(), WEIGHTS), min_size=2, max_size=60)
JUDGED = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), WEIGHTS), min_size=2, max_size=60)


@given(GRADED)
def test_a_ranking_is_the_area_under_the_curve(rows: list[tuple[int, bool, float]]) -> None:
    confidence, right, weights = np.array(rows, dtype=float).T
    found = ranking_auc(confidence, right, weights)
    if len(set(right)) == 1:
        assert found is None
    else:
        truth = roc_auc_score(right, confidence, sample_weight=weights)
        assert found is not None
        assert found.value == pytest.approx(truth)


@given(JUDGED)
def test_kappa_is_cohens(rows: list[tuple[int, int, float]]) -> None:
    first, second = np.array([row[:2] for row in rows]).T
    weights = np.array([row[2] for row in rows])
    found = weighted_agreement(first, second, first == second, weights).kappa
    with warnings.catch_warnings(action="ignore"):  # of one category it is 0 / 0
        truth = cohen_kappa_score(first, second, sample_weight=weights)
        plain = cohen_kappa_score(first, second)
    assert found == (None if np.isnan(truth) else pytest.approx(truth, abs=1e-9))
    same = measure_agreement([str(each) for each in first], [str(each) for each in second]).kappa
    assert same == (None if np.isnan(plain) else pytest.approx(plain, abs=1e-9))


@given(GRADED)
def test_pool_adjacent_violators_is_scipys_isotonic_regression(rows: list[tuple[int, bool, float]]) -> None:
    values, _, weights = np.array(rows, dtype=float).T
    truth = isotonic_regression(values, weights=weights)
    level, size = pool_adjacent_violators(values, weights)
    assert np.repeat(level, size) == pytest.approx(truth.x)
    assert size.tolist() == pytest.approx(np.diff(truth.blocks))


@given(GRADED)
def test_the_map_from_scores_to_probabilities_is_scikit_learns_everywhere(rows: list[tuple[int, bool, float]]) -> None:
    scores, right, weights = np.array(rows, dtype=float).T
    truth = IsotonicRegression(out_of_bounds="clip").fit(scores, right, weights)
    grid = np.linspace(-1, 13, 57)
    assert fit_isotonic(scores, right, weights)(grid) == pytest.approx(truth.predict(grid))


@given(st.integers(0, 2**32 - 1))
def test_briers_score_is_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    confidence, weights = random.random(600), random.choice([1.0, 2.0, 10.0], 600)
    right = (random.random(600) < confidence).astype(float)
    errors = measure_calibration(confidence, right, weights).errors
    assert errors is not None
    assert errors.brier == pytest.approx(brier_score_loss(right, confidence, sample_weight=weights))
