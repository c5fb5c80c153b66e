"""What rules need to know, asked for in as few statements as possible."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial

import numpy as np

from controlsurface.alerting.rules import BudgetRule, Other, Rule, ThresholdRule
from controlsurface.arrays import Floats
from controlsurface.errors import ControlSurfaceError
from controlsurface.metrics import counterfactual
from controlsurface.metrics import moments as asked
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.moments import Moments
from controlsurface.metrics.windows import WindowsArgs, additive, ask
from controlsurface.store.named_query import QueryEngine

Values = tuple[str | None, ...]

SHORT = 12  # a budget's second window is so many times shorter: it ends the alert soon after the burning ended


@dataclass(frozen=True, slots=True)
class View:
    """Which rows are looked at, and how far back: rules with the same view share a statement."""

    source: str
    by: tuple[str, ...]
    where: tuple[str, ...]
    over: timedelta
    offset: timedelta = timedelta()
    spread: bool = False  # quantiles read other columns, and more of them
    baseline: bool = False  # what is held against a baseline is summed by stratum


@dataclass(frozen=True, slots=True)
class Need:
    """One metric, in one view; `waited`: to know which slices there have been, not what they are."""

    view: View
    metric: str
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one slice at one moment."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Figures:
    """One metric at one moment, of the slices that had rows: values in the order of the rule's `by`. NaN: unknown."""

    slices: Sequence[Values]
    value: Floats
    n: Floats
    low: Floats
    high: Floats

    @staticmethod
    def of(found: Mapping[Values, Figure]) -> "Figures":
        """From one figure a slice."""
        rows = [(each.value, each.n, each.low, each.high) for each in found.values()]
        return Figures(tuple(found), *np.array(rows or np.zeros((0, 4)), dtype=np.float64).T)

    @cached_property
    def place(self) -> Mapping[Values, int]:
        """Where each slice is."""
        return {values: i for i, values in enumerate(self.slices)}

    def of_slices(self, slices: Sequence[Values]) -> "Figures":
        """The same of other slices; one that had no rows is unknown."""
        if slices is self.slices:
            return self
        places = np.array([self.place.get(values, -1) for values in slices], dtype=np.int64)
        spread = (np.append(each, missing)[places] for each, missing in zip(self._columns, _MISSING, strict=True))
        return Figures(slices, *spread)

    @property
    def _columns(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.value, self.n, self.low, self.high


_MISSING = (math.nan, 0.0, math.nan, math.nan)
NONE = Figures.of({})

# What there was at each moment.
Found = Mapping[datetime, Figures]
Answers = Mapping[Need, Found | ControlSurfaceError]


def needs(rule: Rule) -> tuple[Need, ...]:
    """What a rule must know: its figure, then what that is compared with, then which slices there were."""
    if isinstance(rule, BudgetRule):
        return _need(rule, "cost", rule.over), _need(rule, "cost", rule.over / SHORT)
    if not isinstance(rule, ThresholdRule):
        return ()
    found = [_need(rule, rule.metric, rule.over)]
    if isinstance(rule.bound, Other):
        other = rule.bound
        found.append(_need(rule, other.metric or rule.metric, other.over or rule.over, other.offset))
    if rule.no_data == "alert" and rule.by:
        found.append(replace(_need(rule, rule.metric, rule.known_for), waited=True))
    return tuple(found)


def _need(rule: ThresholdRule | BudgetRule, name: str, over: timedelta, offset: timedelta = timedelta()) -> Need:
    metric = CATALOG[name]
    spread, baseline = metric.kind == "quantile", counterfactual.asks(metric)
    view = View(metric.source, rule.by, rule.where_pairs, over, offset, spread, baseline)
    return Need(view, name)


def answers(store: QueryEngine, wanted: Iterable[Need], moments: Moments, timeout_s: float = 30) -> Answers:
    """All that is needed, in as few statements as it takes. What cannot be answered carries its error."""
    asked_for = list(dict.fromkeys(wanted))
    if moments.first != moments.last:
        return _each(store, asked_for, moments, timeout_s)
    together = [need for need in asked_for if additive(CATALOG[need.metric])]
    apart = [need for need in asked_for if not additive(CATALOG[need.metric])]
    return {**_together(store, together, moments.first, timeout_s), **_each(store, apart, moments, timeout_s)}


def _together(store: QueryEngine, wanted: Sequence[Need], moment: datetime, timeout_s: float) -> Answers:
    """All windows at one moment: a statement for each breakdown and filter of a source."""
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...], bool], list[Need]] = {}
    for need in wanted:
        view = need.view
        groups.setdefault((view.source, view.by, view.where, view.baseline), []).append(need)
    found: dict[Need, Found | ControlSurfaceError] = {}
    for asked_for in groups.values():
        try:
            found |= {need: {moment: each} for need, each in _windows(store, asked_for, moment, timeout_s)}
        except ControlSurfaceError as problem:
            found |= dict.fromkeys(asked_for, problem)
    return found


def _windows(
    store: QueryEngine, wanted: Sequence[Need], moment: datetime, timeout_s: float
) -> Iterator[tuple[Need, Figures]]:
    """The figures of one breakdown and filter."""
    view = wanted[0].view
    metrics = tuple(dict.fromkeys(need.metric for need in wanted))
    spans = {need: (moment - need.view.offset - need.view.over, moment - need.view.offset) for need in wanted}
    windows = tuple(dict.fromkeys(spans.values()))
    table = ask(partial(store.query, timeout_s=timeout_s), WindowsArgs(metrics, view.by, view.where, windows))
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
        yield need, Figures(named[window], *parts)


def _each(store: QueryEngine, wanted: Sequence[Need], moments: Moments, timeout_s: float) -> Answers:
    """One statement a view, at one moment or at many."""
    views: dict[View, list[Need]] = {}
    for need in wanted:
        views.setdefault(need.view, []).append(need)
    found: dict[Need, Found | ControlSurfaceError] = {}
    for view, asked_for in views.items():
        try:
            seen = _seen(store, view, [need.metric for need in asked_for], moments, timeout_s)
        except ControlSurfaceError as problem:
            found |= dict.fromkeys(asked_for, problem)
        else:
            found |= {need: _columnar(seen.get(need.metric, {})) for need in asked_for}
    return found


def _seen(
    store: QueryEngine, view: View, metrics: Sequence[str], moments: Moments, timeout_s: float
) -> Mapping[str, dict[datetime, dict[Values, Figure]]]:
    """The figures of one view, by metric."""
    shifted = Moments(moments.first - view.offset, moments.last - view.offset, moments.every)
    statement = asked.render(metrics, view.by, view.where, view.over, shifted)
    table = statement.bounded(store.query(statement, timeout_s))
    columns = [table.column(name).to_pylist() for name in ("metric", "moment", "value", "n", "low", "high")]
    slices = list(zip(*(table.column(name).to_pylist() for name in view.by), strict=True)) if view.by else None
    found: dict[str, dict[datetime, dict[Values, Figure]]] = {}
    for i, (metric, moment, value, n, low, high) in enumerate(zip(*columns, strict=True)):
        known = None if value is None or math.isnan(value) else value
        at = moment + view.offset
        found.setdefault(metric, {}).setdefault(at, {})[slices[i] if slices else ()] = Figure(known, n, low, high)
    return found


def _columnar(found: Mapping[datetime, Mapping[Values, Figure]]) -> Found:
    return {moment: Figures.of(figures) for moment, figures in found.items()}
