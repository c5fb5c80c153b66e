"""Two windows side by side: what moved, and whether by more than chance."""

import math
from dataclasses import dataclass

import polars as pl

from controlsurface.formatting import format_change
from controlsurface.metrics.metric import Metric
from controlsurface.ui.view import MIN_SHARE_ROWS

NOTABLE_RELATIVE_CHANGE = 0.05  # relative change that is said in colour where there is no interval


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One value with what it rests on; `low` and `high` where it is a share of rows."""

    value: float | None = None
    n: int = 0
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def metric_value(rows: pl.DataFrame) -> MetricValue:
    """The one row of a metric without breakdown."""
    if rows.is_empty():
        return MetricValue()
    row = rows.row(0, named=True)
    return MetricValue(row["value"], row["n"], row.get("low"), row.get("high"))


def is_too_few(metric: Metric, n: int) -> bool:
    """The one rule of all pages: a share, mean or quantile of so few rows is not shown, a count or a sum always is."""
    return metric.kind != "sum" and n < MIN_SHARE_ROWS


def is_comparable(now: MetricValue, before: MetricValue) -> bool:
    """Whether both values are known and rest on enough rows: a difference of fewer is chance, of whatever kind."""
    return None not in {now.value, before.value} and min(now.n, before.n) >= MIN_SHARE_ROWS


def has_moved(now: MetricValue, before: MetricValue) -> bool:
    """Whether two values differ by more than their intervals together, or without intervals by NOTABLE."""
    if now.value is None or before.value is None or not is_comparable(now, before):
        return False
    if now.half is not None and before.half is not None:
        return abs(now.value - before.value) > math.hypot(now.half, before.half)
    return abs(now.value - before.value) > NOTABLE_RELATIVE_CHANGE * abs(before.value)


def change_verdict(metric: Metric, now: MetricValue, before: MetricValue) -> str:
    """`better`, `worse`, or nothing where it is chance or the metric has no good direction."""
    if not has_moved(now, before) or metric.better == "neither" or now.value is None or before.value is None:
        return ""
    return "better" if (now.value < before.value) == (metric.better == "lower") else "worse"


def change_text(metric: Metric, now: MetricValue, before: MetricValue) -> str:
    """`+1.2 pp`, or nothing where one of the two is unknown or rests on too few rows."""
    if now.value is None or before.value is None or not is_comparable(now, before):
        return ""
    return format_change(now.value, before.value, metric.unit)


def compare_breakdown(now: pl.DataFrame, before: pl.DataFrame, by: str) -> pl.DataFrame:
    """Rows of a ratio by `by`, with delta (None without a before) and moved (by more than chance)."""
    noise = (
        ((pl.col("high") - pl.col("low")) / 2) ** 2 + ((pl.col("high_before") - pl.col("low_before")) / 2) ** 2
    ).sqrt()
    enough = pl.min_horizontal("n", "n_before") >= MIN_SHARE_ROWS
    delta = pl.when(enough).then(pl.col("value") - pl.col("value_before"))
    joined = now.join(
        before.select(by, pl.col("value", "low", "high", "n").name.suffix("_before")),
        on=by,
        how="left",
        nulls_equal=True,
    )
    return joined.select(
        *now.columns,
        delta=delta,
        moved=(delta.abs() > noise).fill_null(value=False),
    )
