"""From figures to readings: which slices are in breach. Pure, so that a replay judges as the live loop does."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from controlsurface.alerting.evaluation.measurements import (
    NO_MEASUREMENTS,
    SHORT_WINDOW_DIVISOR,
    Measurement,
    MeasurementResults,
    SliceMeasurements,
    SliceValues,
    required_measurements,
    result_or_raise,
)
from controlsurface.alerting.model import RuleReading
from controlsurface.alerting.rules.rule_models import AlertRule, BudgetRule, MetricBound, SliceRule, ThresholdRule
from controlsurface.arrays import Flags, Floats
from controlsurface.metrics.catalog import CATALOG

_EMPTY_MEASUREMENTS = SliceMeasurements.of({(): Measurement(None, 0)})


def threshold_readings(
    rule: AlertRule,
    answers: MeasurementResults,
    now: datetime,
    alive: Collection[SliceValues] = (),
    weekly_budget_usd: float = 0,
) -> list[RuleReading]:
    """What a threshold or budget rule finds at `now`, of slices in breach and of those that are `alive`.

    Raises the error of what could not be answered.
    """
    found = [result_or_raise(answers[need]).get(now, NO_MEASUREMENTS) for need in required_measurements(rule)]
    if isinstance(rule, BudgetRule):
        return list(_budget(rule, found[0], found[1], weekly_budget_usd))
    assert isinstance(rule, ThresholdRule)  # noqa: S101 - others are judged elsewhere
    return list(_threshold(rule, found, alive))


def _threshold(
    rule: ThresholdRule, found: Sequence[SliceMeasurements], alive: Collection[SliceValues]
) -> Iterator[RuleReading]:
    """One reading for each slice that matters and had rows, or is waited for."""
    figures, *rest = found
    others = rest.pop(0) if isinstance(rule.bound, MetricBound) else None
    if rest:
        figures = _with_missing_slices(rule, figures, rest[0])
    elif not rule.by and not figures.slices:
        figures = _fill_missing_counts(rule, _EMPTY_MEASUREMENTS, np.array([True]))
    bound, sure = _bound(rule, others, figures)
    judged_now = sure & ~np.isnan(figures.value) & (figures.n >= rule.min_count) & ~np.isnan(bound)
    breach = judged_now & _is_beyond(rule, figures, bound)
    telling = breach | ~judged_now if rule.no_data == "alert" else breach
    known = [figures.place[values] for values in alive if values in figures.place]
    for place in sorted({*np.flatnonzero(telling).tolist(), *known}):
        yield _reading(rule, figures, place, bool(breach[place]) if judged_now[place] else None, float(bound[place]))


def _with_missing_slices(
    rule: ThresholdRule, figures: SliceMeasurements, waited: SliceMeasurements
) -> SliceMeasurements:
    """The figures, and those of slices that had rows at some time and have none now."""
    slices = tuple(dict.fromkeys((*waited.slices, *figures.slices)))
    missing = np.array([values not in figures.place for values in slices], dtype=np.bool_)
    return _fill_missing_counts(rule, figures.of_slices(slices), missing)


def _fill_missing_counts(rule: ThresholdRule, figures: SliceMeasurements, missing: Flags) -> SliceMeasurements:
    """Slices without rows: a count of nothing is zero, every other figure unknown."""
    if not CATALOG[rule.metric].sql.startswith("coalesce("):
        return figures
    return replace(figures, value=np.where(missing, 0.0, figures.value))


def _bound(rule: ThresholdRule, others: SliceMeasurements | None, figures: SliceMeasurements) -> tuple[Floats, Flags]:
    """What each slice is held against (NaN: nothing), and whether that rests on enough rows."""
    if not isinstance(rule.bound, MetricBound):
        return np.full(len(figures.slices), rule.bound, dtype=np.float64), np.ones(len(figures.slices), dtype=np.bool_)
    other = (others or NO_MEASUREMENTS).of_slices(figures.slices)
    bound, limit = other.value * rule.bound.times, rule.bound.limit
    if limit is not None:  # what is unknown stays so
        bound = np.maximum(bound, limit) if rule.above is not None else np.minimum(bound, limit)
    return bound, ~np.isnan(other.value) & (other.n >= rule.min_count)


def _is_beyond(rule: ThresholdRule, figures: SliceMeasurements, bound: Floats) -> Flags:
    """Whether the figure, or all of its interval, is beyond the bound."""
    interval = rule.judge == "interval"
    if rule.above is not None:
        return np.asarray((figures.low if interval else figures.value) > bound)
    return np.asarray((figures.high if interval else figures.value) < bound)


def _reading(
    rule: ThresholdRule, figures: SliceMeasurements, place: int, breach: bool | None, bound: float
) -> RuleReading:
    value, low, high = (_number_or_none(float(each[place])) for each in (figures.value, figures.low, figures.high))
    named, n = _slice(rule, figures.slices[place]), int(figures.n[place])
    return RuleReading(named, breach, value, n, low, high, _number_or_none(bound))


def _number_or_none(figure: float) -> float | None:
    return None if np.isnan(figure) else figure


def _budget(
    rule: BudgetRule, long: SliceMeasurements, short: SliceMeasurements, weekly_usd: float
) -> Iterator[RuleReading]:
    """How many times faster than the budget allows money was spent, over both windows. Without a budget, nothing."""
    usd = rule.budget.usd or weekly_usd * rule.budget.period.days / 7
    if not usd:
        return
    allowed = usd * (rule.over / rule.budget.period)
    spent, lately = np.nan_to_num(long.value), np.nan_to_num(short.of_slices(long.slices).value)
    for values, usd_spent, usd_lately, n in zip(long.slices, spent.tolist(), lately.tolist(), long.n, strict=True):
        burn, burn_lately = usd_spent / allowed, usd_lately / (allowed / SHORT_WINDOW_DIVISOR)
        evidence = {"spent_usd": usd_spent, "allowed_usd": allowed, "burn_lately": burn_lately}
        breach = min(burn, burn_lately) > rule.budget.burn
        yield RuleReading(_slice(rule, values), breach, burn, int(n), threshold=rule.budget.burn, evidence=evidence)


def _slice(rule: SliceRule, values: SliceValues) -> Mapping[str, str | None]:
    """The dimensions and their values."""
    return dict(zip(rule.by, values, strict=True))
