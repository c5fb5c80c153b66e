"""What rules need to know, asked for in as few statements as possible."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pyarrow as pa

from controlsurface.alerting.rules import BudgetRule, Other, Rule, ThresholdRule
from controlsurface.errors import ControlSurfaceError
from controlsurface.metrics import moments as asked
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.moments import Moments

Values = tuple[str | None, ...]

SHORT = 12  # a budget's second window is so many times shorter: it ends the alert soon after the burning ended


class Rows(Protocol):
    """A store that can be asked."""

    def rows(self, sql: str, params: Mapping[str, Any], timeout_s: float = 30) -> pa.Table:
        """Run a query. Raises TooSlow."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """Which rows are looked at, and how far back: rules with the same view share a statement."""

    source: str
    by: tuple[str, ...]
    where: tuple[str, ...]
    over: timedelta
    offset: timedelta = timedelta()
    spread: bool = False  # quantiles read other columns, and more of them


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


# For each moment the slices that had rows, as values in the order of the rule's `by`.
Found = Mapping[datetime, Mapping[Values, Figure]]
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
    view = View(metric.source, rule.by, rule.where_pairs, over, offset, metric.kind == "quantile")
    return Need(view, name)


def answers(store: Rows, wanted: Iterable[Need], moments: Moments, timeout_s: float = 30) -> Answers:
    """All that is needed, one statement a view. A view that cannot be answered carries its error."""
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
            found |= {need: seen.get(need.metric, {}) for need in asked_for}
    return found


def _seen(
    store: Rows, view: View, metrics: Sequence[str], moments: Moments, timeout_s: float
) -> Mapping[str, dict[datetime, dict[Values, Figure]]]:
    """The figures of one view, by metric."""
    shifted = Moments(moments.first - view.offset, moments.last - view.offset, moments.every)
    statement = asked.render(metrics, view.by, view.where, view.over, shifted)
    table = statement.bounded(store.rows(statement.sql, statement.parameters, timeout_s))
    columns = [table.column(name).to_pylist() for name in ("metric", "moment", "value", "n", "low", "high")]
    slices = list(zip(*(table.column(name).to_pylist() for name in view.by), strict=True)) if view.by else None
    found: dict[str, dict[datetime, dict[Values, Figure]]] = {}
    for i, (metric, moment, value, n, low, high) in enumerate(zip(*columns, strict=True)):
        known = None if value is None or math.isnan(value) else value
        at = moment.replace(tzinfo=UTC) + view.offset
        found.setdefault(metric, {}).setdefault(at, {})[slices[i] if slices else ()] = Figure(known, n, low, high)
    return found
