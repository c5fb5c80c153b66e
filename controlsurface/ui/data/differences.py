"""Differences of two arms with their intervals: of shares, of means and quantiles from bins, and at an equal mix.

The interval of a difference is made of those of both sides (MOVER; Zou & Donner 2008), which for Wilson intervals is
Newcombe's hybrid score interval (1998, method 10). Arms that were sent other kinds of requests differ for that alone;
at an equal mix each kind counts with its share of both arms together.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.distribution_query import DistributionColumn
from controlsurface.metrics.statistics import (
    binned_mean_interval,
    binned_quantile_interval,
    difference_interval,
)
from controlsurface.ui.data.comparison import MetricValue, is_comparable

MIN_COVERED_SHARE = 0.8  # of either arm's rows in kinds that can be compared
SPREAD_COLUMNS: Mapping[str, tuple[DistributionColumn, float | None]] = {  # the column, and which quantile; the mean
    "latency_p50": ("latency_ms", 0.5),
    "latency_p95": ("latency_ms", 0.95),
    "cost_per_request": ("cost_usd", None),
    "output_tokens_per_request": ("output_tokens", None),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A, with the ends of its interval at 95 % where there is one."""

    value: float
    low: float | None = None
    high: float | None = None

    def verdict(self, metric: Metric) -> str:
        """`better` or `worse` where the interval leaves no doubt; else nothing."""
        if self.low is None or self.high is None or metric.better == "neither" or self.low <= 0 <= self.high:
            return ""
        return "better" if (self.high < 0) == (metric.better == "lower") else "worse"

    def worst(self, metric: Metric) -> float | None:
        """The bad end of the interval."""
        return self.low if metric.better == "higher" else self.high


def difference(one: MetricValue, other: MetricValue) -> Difference | None:
    """How far `other` is from `one`; None where either rests on too few rows."""
    if one.value is None or other.value is None or not is_comparable(one, other):
        return None
    found = other.value - one.value
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Difference(found)
    before, low_before, high_before, now, low_now, high_now = np.array(
        [one.value, one.low, one.high, other.value, other.low, other.high]
    )[:, None]
    low, high = difference_interval(before, (low_before, high_before), now, (low_now, high_now))
    return Difference(found, float(low[0]), float(high[0]))


def difference_at_equal_mix(ones: Mapping[Any, MetricValue], others: Mapping[Any, MetricValue]) -> Difference | None:
    """The mean of the differences by kind, each with its share of both arms; None where kinds hold too few rows."""
    both = {kind: (one, others[kind]) for kind, one in ones.items() if kind in others}
    found = {kind: made for kind, pair in both.items() if (made := difference(*pair)) is not None}
    for arm in (ones, others):
        if sum(arm[kind].n for kind in found) < MIN_COVERED_SHARE * sum(each.n for each in arm.values()):
            return None
    whole = sum(ones[kind].n + others[kind].n for kind in found)
    weighted = [((ones[kind].n + others[kind].n) / whole, made) for kind, made in found.items()] if whole else []
    if not weighted:
        return None
    value = sum(weight * made.value for weight, made in weighted)
    ends = [(weight, made.value, made.low, made.high) for weight, made in weighted]
    if any(low is None or high is None for _, _, low, high in ends):
        return Difference(value)
    down = math.hypot(*(weight * (own - low) for weight, own, low, _ in ends if low is not None))
    up = math.hypot(*(weight * (high - own) for weight, own, _, high in ends if high is not None))
    return Difference(value, value - down, value + up)


def with_spread(figure: MetricValue, bins: pl.DataFrame, quantile: float | None) -> MetricValue:
    """A mean or quantile with the interval that its distribution (lower, upper, n) has, where it has one."""
    rising = bins.sort("lower").filter(pl.col("n") > 0)
    if figure.value is None or rising.is_empty():
        return figure
    lower, upper, counts = (rising[name].cast(pl.Float64).to_numpy() for name in ("lower", "upper", "n"))
    if quantile is None:
        ends = binned_mean_interval(figure.value, lower, upper, counts, figure.n)
    else:
        ends = binned_quantile_interval(quantile, lower, upper, counts, figure.n)
    if ends is None:
        return figure
    return replace(figure, low=min(ends[0], figure.value), high=max(ends[1], figure.value))
