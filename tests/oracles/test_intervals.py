"""Intervals and chances against SciPy's."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from controlsurface.audit.statistics.weighted_estimate import estimate_share, mean_from_moments, weighted_moments
from controlsurface.metrics.queries.metric_query import wilson_end_sql as wilson_in_sql
from controlsurface.metrics.statistics import (
    binomial_upper_tail,
    normal_p_value,
    student_p_value,
    student_quantile,
    wilson_interval,
)
from controlsurface.store.duckdb import DuckStore

SIZES = st.integers(1, 100_000)
SHARES = st.floats(0, 1)


@pytest.fixture(scope="module")
def store() -> DuckStore:
    return DuckStore.in_memory()


@given(SHARES, SIZES)
def test_wilsons_interval_is_scipys_in_sql_in_python_and_of_rows_of_one_weight(
    store: DuckStore, share_of_n: float, n: int
) -> None:
    k = round(share_of_n * n)
    truth = list(stats.binomtest(k, n).proportion_ci(0.95, "wilson"))
    sql = f"SELECT {wilson_in_sql('low')}, {wilson_in_sql('high')} FROM (SELECT $p AS value, $n AS n, $n AS effective)"
    (row,) = store.state(sql, {"p": k / n, "n": float(n)}).to_pylist()
    assert list(row.values()) == pytest.approx(truth, abs=1e-12)
    assert [float(end) for end in wilson_interval(np.array(k / n), np.array(float(n)))] == pytest.approx(
        truth, abs=1e-12
    )
    rows = estimate_share((np.arange(n) < k).astype(float), np.full(n, 3.0))
    assert [rows.low, rows.high] == pytest.approx(truth, abs=1e-9)


@given(st.integers(20, 500), st.integers(0, 2**32 - 1))
def test_students_interval_of_a_mean_is_scipys(n: int, seed: int) -> None:
    values = np.random.default_rng(seed).gamma(2, 100, n)
    low, high = stats.t.interval(0.95, n - 1, values.mean(), stats.sem(values))
    found = mean_from_moments(weighted_moments(values, np.full(n, 2.0)))
    assert found[1:3].tolist() == pytest.approx([low, high], rel=1e-6)


@pytest.mark.parametrize(("least", "error"), [(2, 0.009), (3, 0.0013), (10, 1e-5), (30, 1e-7)])
def test_students_quantile_is_as_near_as_it_says(least: int, error: float) -> None:
    freedom = np.linspace(least, 1000, 5000)
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=error)


@pytest.mark.parametrize(("freedom", "error"), [(10, 0.01), (30, 0.002), (1000, 1e-4)])
def test_the_chance_of_students_t_is_as_near_as_it_says(freedom: int, error: float) -> None:
    t = np.linspace(-3.5, 3.5, 800)
    assert student_p_value(t, np.full_like(t, freedom)) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=error)


@given(st.floats(0, 30))
def test_the_tail_of_a_normal_deviate_is_scipys(z: float) -> None:
    assert float(normal_p_value(np.array(z))) == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)


@given(st.integers(0, 400), st.integers(1, 400), st.floats(0.001, 0.999))
@example(1, 154, 0.9921875)  # its first term is no number that a float holds in full
def test_a_binomial_tail_is_scipys(k: int, n: int, share_of_n: float) -> None:
    assert binomial_upper_tail(k, n, share_of_n) == pytest.approx(
        stats.binom.sf(k - 1, n, share_of_n), rel=1e-6, abs=1e-12
    )
