"""Differences of two arms: intervals as published, simulated coverage, and no saving out of another mix."""

import numpy as np
import polars as pl
import pytest

from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.statistics import mix_distance, wilson_interval
from controlsurface.ui.data.comparison import MetricValue
from controlsurface.ui.data.differences import (
    Difference,
    difference,
    difference_at_equal_mix,
    with_spread,
)
from controlsurface.ui.reports.experiment import ArmPair, guardrail_words


def share(hits: int, n: int) -> MetricValue:
    low, high = wilson_interval(np.array([hits / n]), np.array([float(n)]))
    return MetricValue(hits / n, n, float(low[0]), float(high[0]))


def test_the_interval_of_a_difference_of_shares_is_newcombes_published_one() -> None:
    found = difference(share(48, 80), share(56, 70))  # Newcombe 1998, table II, example (a), method 10
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_a_difference_of_fewer_than_thirty_rows_is_none() -> None:
    assert difference(share(10, 29), share(300, 1000)) is None


def test_a_difference_is_coloured_only_where_its_interval_leaves_no_doubt() -> None:
    metric = CATALOG["error_rate"]
    assert Difference(0.1, 0.05, 0.15).verdict(metric) == "worse"
    assert Difference(-0.1, -0.15, -0.05).verdict(metric) == "better"
    assert Difference(0.1, -0.05, 0.25).verdict(metric) == ""
    assert Difference(0.1).verdict(metric) == ""


def test_another_mix_alone_is_no_difference_at_an_equal_mix() -> None:
    ones = {"chat": share(45, 900), "code": share(50, 100)}
    others = {"chat": share(5, 100), "code": share(450, 900)}
    raw = difference(share(95, 1000), share(455, 1000))
    equal = difference_at_equal_mix(ones, others)
    assert raw is not None
    assert equal is not None
    assert raw.value == pytest.approx(0.36)
    assert equal.value == pytest.approx(0)


def test_another_mix_is_neither_better_nor_worse() -> None:
    ones = {"chat": share(45, 900), "code": share(50, 100)}
    others = {"chat": share(5, 100), "code": share(450, 900)}
    pair = ArmPair(CATALOG["escalation_rate"], share(95, 1000), share(455, 1000), ones, others)
    assert pair.verdict(alike=False) == ""
    unknown = ArmPair(CATALOG["latency_p95"], share(95, 1000), share(455, 1000), {}, {})
    assert (unknown.verdict(alike=False), unknown.verdict(alike=True)) == ("", "worse")


def test_an_equal_mix_needs_most_rows_in_kinds_that_both_arms_have() -> None:
    assert (
        difference_at_equal_mix({"a": share(5, 50), "b": share(5, 50)}, {"a": share(5, 50), "c": share(5, 50)}) is None
    )
    assert difference_at_equal_mix({}, {}) is None


def test_the_distance_of_two_mixes_is_what_would_have_to_move() -> None:
    assert mix_distance({"a": 75, "b": 25}, {"a": 5, "b": 5}) == pytest.approx(0.25)
    assert mix_distance({"a": 1}, {"b": 9}) == 1
    assert mix_distance({}, {"b": 9}) == 0


def bins_of(values: np.ndarray) -> pl.DataFrame:
    """Values as the store's bins, 5 % wide."""
    place, n = np.unique(np.floor(np.log(values) / np.log(1.05)), return_counts=True)
    return pl.DataFrame({"lower": 1.05**place, "upper": 1.05 ** (place + 1), "n": n})


@pytest.mark.parametrize(("quantile", "truth"), [(None, np.exp(0.5)), (0.5, 1.0), (0.95, np.exp(1.6449))])
def test_intervals_from_bins_hold_the_truth_nineteen_times_in_twenty(quantile: float | None, truth: float) -> None:
    random, held = np.random.default_rng(3), 0
    for _ in range(200):
        values = random.lognormal(size=400)
        own = float(values.mean() if quantile is None else np.quantile(values, quantile))
        found = with_spread(MetricValue(own, 400), bins_of(values), quantile)
        held += found.low is not None and found.high is not None and found.low <= truth <= found.high
    assert 0.89 < held / 200 <= 1


def test_a_guardrail_says_how_bad_it_may_be() -> None:
    few = ArmPair(CATALOG["error_rate"], share(1, 20), share(3, 300), {}, {})
    open_ = ArmPair(CATALOG["error_rate"], share(10, 1000), share(12, 1000), {}, {})
    worse = ArmPair(CATALOG["error_rate"], share(10, 1000), share(80, 1000), {}, {})
    assert guardrail_words(few, alike=True) == ("too few (20 of 30)", "")
    assert guardrail_words(open_, alike=True)[0].startswith("no proof of harm, at worst +1.")
    assert guardrail_words(worse, alike=True)[1] == "worse"
