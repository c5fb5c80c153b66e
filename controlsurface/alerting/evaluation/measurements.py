"""What rules need to know, asked for in as few statements as possible."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TypeVar

import numpy as np

from controlsurface.alerting.rules.rule_models import AlertRule, BudgetRule, MetricBound, ThresholdRule
from controlsurface.arrays import Floats
from controlsurface.errors import ControlSurfaceError
from controlsurface.metrics import counterfactual
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries import replay_query as asked
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.metrics.queries.window_query import WindowArgs, is_additive, run_windows
from controlsurface.store.named_query import QueryEngine

A = TypeVar("A")
SliceValues = tuple[str | None, ...]

# A budget's second window is so many times shorter: it ends the alert soon after the burning ended.
SHORT_WINDOW_DIVISOR = 12


@dataclass(frozen=True, slots=True)
class MeasurementView:
    """Which rows are looked at, and how far back: rules with the same view share a statement."""

    source: str
    by: tuple[str, ...]
    where: tuple[str, ...]
    over: timedelta
    offset: timedelta = timedelta()
    spread: bool = False  # quantiles read other columns, and more of them
    baseline: bool = False  # what is held against a baseline is summed by stratum


@dataclass(frozen=True, slots=True)
class MeasurementRequest:
    """One metric, in one view; `waited`: to know which slices there have been, not what they are."""

    view: MeasurementView
    metric: str
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """One metric of one slice at one moment."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class SliceMeasurements:
    """One metric at one moment, of the slices that had rows: values in the order of the rule's `by`. NaN: unknown."""

    slices: Sequence[SliceValues]
    value: Floats
    n: Floats
    low: Floats
    high: Floats

    @staticmethod
    def of(found: Mapping[SliceValues, Measurement]) -> "SliceMeasurements":
        """From one figure a slice."""
        rows = [(each.value, each.n, each.low, each.high) for each in found.values()]
        return SliceMeasurements(tuple(found), *np.array(rows or np.zeros((0, 4)), dtype=np.float64).T)

    @cached_property
    def place(self) -> Mapping[SliceValues, int]:
        """Where each slice is."""
        return {values: i for i, values in enumerate(self.slices)}

    def of_slices(self, slices: Sequence[SliceValues]) -> "SliceMeasurements":
        """The same of other slices; one that had no rows is unknown."""
        if slices is self.slices:
            return self
        places = np.array([self.place.get(values, -1) for values in slices], dtype=np.int64)
        missing = ((self.value, np.nan), (self.n, 0.0), (self.low, np.nan), (self.high, np.nan))
        return SliceMeasurements(slices, *(np.append(each, unknown)[places] for each, unknown in missing))


NO_MEASUREMENTS = SliceMeasurements.of({})

# What there was at each moment.
MeasurementSeries = Mapping[datetime, SliceMeasurements]
MeasurementResults = Mapping[MeasurementRequest, MeasurementSeries | ControlSurfaceError]


def required_measurements(rule: AlertRule) -> tuple[MeasurementRequest, ...]:
    """What a rule must know: its figure, then what that is compared with, then which slices there were."""
    if isinstance(rule, BudgetRule):
        return _request(rule, "cost", rule.over), _request(rule, "cost", rule.over / SHORT_WINDOW_DIVISOR)
    if not isinstance(rule, ThresholdRule):
        return ()
    found = [_request(rule, rule.metric, rule.over)]
    if isinstance(rule.bound, MetricBound):
        other = rule.bound
        found.append(_request(rule, other.metric or rule.metric, other.over or rule.over, other.offset))
    if rule.no_data == "alert" and rule.by:
        found.append(replace(_request(rule, rule.metric, rule.known_for), waited=True))
    return tuple(found)


def _request(
    rule: ThresholdRule | BudgetRule, name: str, over: timedelta, offset: timedelta = timedelta()
) -> MeasurementRequest:
    metric = CATALOG[name]
    spread, baseline = metric.kind == "quantile", counterfactual.needs_counterfactual(metric)
    view = MeasurementView(metric.source, rule.by, rule.where_pairs, over, offset, spread, baseline)
    return MeasurementRequest(view, name)


def result_or_raise(found: A | ControlSurfaceError) -> A:
    """What was found. Raises the error where it is one."""
    if isinstance(found, ControlSurfaceError):
        raise found
    return found


def fetch_measurements(
    store: QueryEngine, wanted: Iterable[MeasurementRequest], moments: ReplayMoments, timeout_s: float = 30
) -> MeasurementResults:
    """All that is needed, in as few statements as it takes. What cannot be answered carries its error."""
    asked_for = list(dict.fromkeys(wanted))
    if moments.first != moments.last:
        return _measure_by_view(store, asked_for, moments, timeout_s)
    together = [need for need in asked_for if is_additive(CATALOG[need.metric])]
    apart = [need for need in asked_for if not is_additive(CATALOG[need.metric])]
    return {
        **_measure_by_breakdown(store, together, moments.first, timeout_s),
        **_measure_by_view(store, apart, moments, timeout_s),
    }


def _measure_by_breakdown(
    store: QueryEngine, wanted: Sequence[MeasurementRequest], moment: datetime, timeout_s: float
) -> MeasurementResults:
    """All windows at one moment: a statement for each breakdown and filter of a source."""
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...], bool], list[MeasurementRequest]] = {}
    for need in wanted:
        view = need.view
        groups.setdefault((view.source, view.by, view.where, view.baseline), []).append(need)
    found: dict[MeasurementRequest, MeasurementSeries | ControlSurfaceError] = {}
    for asked_for in groups.values():
        try:
            found |= {need: {moment: each} for need, each in _measure_windows(store, asked_for, moment, timeout_s)}
        except ControlSurfaceError as problem:
            found |= dict.fromkeys(asked_for, problem)
    return found


def _measure_windows(
    store: QueryEngine, wanted: Sequence[MeasurementRequest], moment: datetime, timeout_s: float
) -> Iterator[tuple[MeasurementRequest, SliceMeasurements]]:
    """The figures of one breakdown and filter."""
    view = wanted[0].view
    metrics = tuple(dict.fromkeys(need.metric for need in wanted))
    spans = {need: (moment - need.view.offset - need.view.over, moment - need.view.offset) for need in wanted}
    windows = tuple(dict.fromkeys(spans.values()))
    table = run_windows(partial(store.query, timeout_s=timeout_s), WindowArgs(metrics, view.by, view.where, windows))
    slices = list(zip(*(table.column(name).to_pylist() for name in view.by), strict=True)) if view.by else None
    span = table.column("span").to_numpy()
    held = {window: np.flatnonzero(span == i) for i, window in enumerate(windows)}
    named = {window: tuple(slices[i] for i in of) if slices else ((),) * len(of) for window, of in held.items()}
    measured = [name for name in table.column_names if name != "span" and name not in view.by]
    columns = {name: table.column(name).to_numpy().astype(np.float64) for name in measured}
    unknown = np.full(table.num_rows, np.nan)
    for need in wanted:
        window, number = spans[need], metrics.index(need.metric)
        parts = (columns.get(f"{part}_{number}", unknown)[held[window]] for part in ("value", "n", "low", "high"))
        yield need, SliceMeasurements(named[window], *parts)


def _measure_by_view(
    store: QueryEngine, wanted: Sequence[MeasurementRequest], moments: ReplayMoments, timeout_s: float
) -> MeasurementResults:
    """One statement a view, at one moment or at many."""
    views: dict[MeasurementView, list[MeasurementRequest]] = {}
    for need in wanted:
        views.setdefault(need.view, []).append(need)
    found: dict[MeasurementRequest, MeasurementSeries | ControlSurfaceError] = {}
    for view, asked_for in views.items():
        try:
            seen = _measure_view(store, view, [need.metric for need in asked_for], moments, timeout_s)
        except ControlSurfaceError as problem:
            found |= dict.fromkeys(asked_for, problem)
        else:
            for need in asked_for:
                figures = seen.get(need.metric, {})
                found[need] = {at: SliceMeasurements.of(each) for at, each in figures.items()}
    return found


def _measure_view(
    store: QueryEngine, view: MeasurementView, metrics: Sequence[str], moments: ReplayMoments, timeout_s: float
) -> Mapping[str, dict[datetime, dict[SliceValues, Measurement]]]:
    """The figures of one view, by metric."""
    shifted = ReplayMoments(moments.first - view.offset, moments.last - view.offset, moments.every)
    statement = asked.render_replay(metrics, view.by, view.where, view.over, shifted)
    table = statement.bounded(store.query(statement, timeout_s))
    columns = [table.column(name).to_pylist() for name in ("metric", "moment", "value", "n", "low", "high")]
    slices = list(zip(*(table.column(name).to_pylist() for name in view.by), strict=True)) if view.by else None
    found: dict[str, dict[datetime, dict[SliceValues, Measurement]]] = {}
    for i, (metric, moment, value, n, low, high) in enumerate(zip(*columns, strict=True)):
        known = None if value is None or math.isnan(value) else value
        at = moment + view.offset
        found.setdefault(metric, {}).setdefault(at, {})[slices[i] if slices else ()] = Measurement(known, n, low, high)
    return found
