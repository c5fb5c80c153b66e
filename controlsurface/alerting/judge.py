"""From figures to readings: which slices are in breach. Pure, so that a replay judges as the live loop does."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from controlsurface.alerting.figures import SHORT, Answers, Figure, Found, Need, Values, needs
from controlsurface.alerting.rules import BudgetRule, Other, Rule, Sliced, ThresholdRule
from controlsurface.alerting.state import Reading
from controlsurface.errors import ControlSurfaceError
from controlsurface.metrics.catalog import CATALOG

_NOTHING = Figure(None, 0)


def judged(rule: Rule, answers: Answers, now: datetime, weekly_budget_usd: float = 0) -> list[Reading]:
    """What a threshold or budget rule finds at `now`. Raises the error of what could not be answered."""
    found = [_answered(answers, need).get(now, {}) for need in needs(rule)]
    if isinstance(rule, BudgetRule):
        return list(_budget(rule, found[0], found[1], weekly_budget_usd))
    assert isinstance(rule, ThresholdRule)  # noqa: S101 - others are judged elsewhere
    return list(_threshold(rule, found))


def _answered(answers: Answers, need: Need) -> Found:
    """The figures that were needed."""
    found = answers[need]
    if isinstance(found, ControlSurfaceError):
        raise found
    return found


def _threshold(rule: ThresholdRule, found: Sequence[Mapping[Values, Figure]]) -> Iterator[Reading]:
    """One reading for each slice that had rows, or is waited for."""
    figures, *rest = found
    others = rest.pop(0) if isinstance(rule.bound, Other) else None
    known = {**rest[0], **figures} if rest else figures if rule.by else {(): _NOTHING, **figures}
    for values in known:
        figure = figures.get(values) or _empty(rule)
        bound, sure = _bound(rule, others, values)
        enough = sure and figure.value is not None and figure.n >= rule.min_count
        breach = _beyond(rule, figure, bound) if enough and bound is not None else None
        yield Reading(_slice(rule, values), breach, figure.value, figure.n, figure.low, figure.high, bound)


def _empty(rule: ThresholdRule) -> Figure:
    """A slice without rows: a count of nothing is zero, every other figure unknown."""
    return Figure(0.0, 0) if CATALOG[rule.metric].sql.startswith("coalesce(") else _NOTHING


def _bound(rule: ThresholdRule, others: Mapping[Values, Figure] | None, values: Values) -> tuple[float | None, bool]:
    """What a slice is held against, and whether that rests on enough rows."""
    if not isinstance(rule.bound, Other):
        return rule.bound, True
    other = (others or {}).get(values, _NOTHING)
    if other.value is None:
        return None, False
    bound, limit = other.value * rule.bound.times, rule.bound.limit
    if limit is not None:
        bound = max(bound, limit) if rule.above is not None else min(bound, limit)
    return bound, other.n >= rule.min_count


def _beyond(rule: ThresholdRule, figure: Figure, bound: float) -> bool:
    """Whether the figure, or all of its interval, is beyond the bound."""
    interval = rule.judge == "interval"
    if rule.above is not None:
        least = figure.low if interval else figure.value
        return least is not None and least > bound
    most = figure.high if interval else figure.value
    return most is not None and most < bound


def _budget(
    rule: BudgetRule, long: Mapping[Values, Figure], short: Mapping[Values, Figure], weekly_usd: float
) -> Iterator[Reading]:
    """How many times faster than the budget allows money was spent, over both windows. Without a budget, nothing."""
    usd = rule.budget.usd or weekly_usd * rule.budget.period.days / 7
    if not usd:
        return
    allowed = usd * (rule.over / rule.budget.period)
    for values, figure in long.items():
        spent, lately = figure.value or 0.0, short.get(values, _NOTHING).value or 0.0
        burn, burn_lately = spent / allowed, lately / (allowed / SHORT)
        evidence = {"spent_usd": spent, "allowed_usd": allowed, "burn_lately": burn_lately}
        breach = min(burn, burn_lately) > rule.budget.burn
        yield Reading(_slice(rule, values), breach, burn, figure.n, threshold=rule.budget.burn, evidence=evidence)


def _slice(rule: Sliced, values: Values) -> Mapping[str, str | None]:
    """The dimensions and their values."""
    return dict(zip(rule.by, values, strict=True))
