"""Advice about who should answer what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from math import sqrt

from controlsurface.client.advice import graded_lanes
from controlsurface.client.advice.advice_context import AdviceContext
from controlsurface.client.advice.advice_row import (
    Advice,
    Row,
    RuleFinding,
    effective_rows,
    largest_support,
    row_advice,
    rows_with_support,
    share_with_interval,
    shares_above,
    shares_below,
)
from controlsurface.client.advice.graded_lanes import GradedPairs
from controlsurface.formatting import format_ratio
from controlsurface.metrics.statistics import FAMILYWISE_ALPHA, holm_adjust, normal_upper_tail

Shares = Mapping[str | None, float]

TARGET_ESCALATION_SHARE = 0.20  # of requests escalated: above it, refine the router
MAX_ESCALATION_SHARE = 0.30  # of requests escalated: above it, they are worth a lane of their own
MAX_STEADY_TRAFFIC_CHANGE = 0.2  # relative change of the number of requests, under which traffic counts as stable
WEEK = timedelta(days=7)
ROUTE_DOWN_AGREEMENT = 0.95  # of answers that agree: route down
WATCHED_ROUTE_DOWN_AGREEMENT = 0.85  # of answers that agree: route down and watch; below: up


def advise_escalation(ask: AdviceContext) -> RuleFinding:
    """Task types that escalate more than the target; above the limit for a week on stable traffic they want a lane."""
    rows = ask.rows("escalation_rate", by=("task_type",))
    steady = ask.length >= WEEK and _stable(ask)
    total, far = sum(row["n"] for row in rows), shares_above(rows, MAX_ESCALATION_SHARE) if steady else []
    return RuleFinding(
        [_escalates(row, total, lane=row in far) for row in shares_above(rows, TARGET_ESCALATION_SHARE)],
        largest_support(rows),
    )


def _escalates(row: Row, total: int, *, lane: bool) -> Advice:
    do = "Add a lane, or refine the router, for" if lane else "Refine the router for"
    long = f", above {format_ratio(MAX_ESCALATION_SHARE)} for a week on stable traffic" if lane else ""
    target = format_ratio(TARGET_ESCALATION_SHARE)
    why = f"{share_with_interval(row)} of its requests escalate{long}; the target is {target}."
    return task_type_advice("escalation", do, why, "escalation_rate", row, "routing", row["n"] / total)


def _stable(ask: AdviceContext) -> bool:
    """Whether there are about as many requests as in the window before."""
    before = ask.before("requests")
    return bool(before) and abs(ask.total("requests") / before - 1) < MAX_STEADY_TRAFFIC_CHANGE


def advise_large_is_worse(ask: AdviceContext) -> RuleFinding:
    """Task types whose graded pairs say that the large lane's answers are the worse ones."""
    pairs = ask.graded()
    shares = _shares(ask)
    worse = [_worse_graded(each, shares.get(each.task_type, 0)) for each in pairs if each.worse]
    return RuleFinding(worse, max((each.n for each in pairs), default=0))


def _worse_graded(pairs: GradedPairs, share: float) -> Advice:
    why = f"{pairs.said()}: there escalation costs quality. It holds over all task types looked at."
    return _about_pairs("large_is_worse", f"Stop escalating {_named(pairs)}", why, pairs, share)


def advise_route_down(ask: AdviceContext) -> RuleFinding:
    """Task types sent to a large lane that a small one answers as well: by graded pairs, else as shadows agree."""
    rows = ask.rows("disagreement_rate", by=("task_type",), where=ask.lanes(escalation=True))
    shares = _shares(ask, escalation=True)
    pairs = [each for each in ask.graded() if each.task_type in shares]
    sure = graded_lanes.gaps_below(pairs, 1 - ROUTE_DOWN_AGREEMENT)
    found = [_down_graded(each, sure=each in sure, share=shares[each.task_type]) for each in pairs if _passes(each)]
    agreeing = _ungraded(rows, ask)
    passed = shares_below(agreeing, 1 - ROUTE_DOWN_AGREEMENT)
    found += [
        _down(row, row in passed, shares)
        for row in rows_with_support(agreeing)
        if 1 - row["value"] >= WATCHED_ROUTE_DOWN_AGREEMENT
    ]
    return RuleFinding(found, _most(rows, pairs))


def _passes(pairs: GradedPairs) -> bool:
    """Whether the small lane is at most so much worse, and not the better one: that has a rule of its own."""
    return pairs.high is not None and pairs.high <= 1 - WATCHED_ROUTE_DOWN_AGREEMENT and not pairs.worse


def _down_graded(pairs: GradedPairs, *, sure: bool, share: float) -> Advice:
    title = f"Route down {_named(pairs)}" if sure else f"Route down with monitoring: {_named(pairs)}"
    enough_by = (
        f"up to {format_ratio(1 - ROUTE_DOWN_AGREEMENT)} is enough by itself, "
        f"up to {format_ratio(1 - WATCHED_ROUTE_DOWN_AGREEMENT)} with monitoring"
    )
    why = f"{pairs.said()}; {enough_by}."
    return _about_pairs("route_down", title, why, pairs, share)


def _down(row: Row, sure: bool, shares: Shares) -> Advice:
    do = "Route down" if sure else "Route down with monitoring:"
    why = (
        f"Of answers by a large lane, shadows on another disagree with {share_with_interval(row)}; "
        f"agreement of {format_ratio(ROUTE_DOWN_AGREEMENT)} is enough by itself, "
        f"{format_ratio(WATCHED_ROUTE_DOWN_AGREEMENT)} with monitoring."
    )
    return task_type_advice("route_down", do, why, "disagreement_rate", row, "routing", shares.get(row["task_type"], 0))


def advise_route_up(ask: AdviceContext) -> RuleFinding:
    """Task types answered by a small lane that a large one answers better: by graded pairs, else as shadows differ."""
    rows = ask.rows("disagreement_rate", by=("task_type",), where=ask.lanes(escalation=False))
    shares = _shares(ask, escalation=False)
    pairs = [each for each in ask.graded() if each.task_type in shares]
    above = graded_lanes.gaps_above(pairs, 1 - WATCHED_ROUTE_DOWN_AGREEMENT)
    found = [_up_graded(each, shares[each.task_type]) for each in above]
    found += [_up(row, shares) for row in shares_above(_ungraded(rows, ask), 1 - WATCHED_ROUTE_DOWN_AGREEMENT)]
    return RuleFinding(found, _most(rows, pairs))


def _up_graded(pairs: GradedPairs, share: float) -> Advice:
    limit = format_ratio(1 - WATCHED_ROUTE_DOWN_AGREEMENT)
    why = f"{pairs.said()}; by more than {limit} a task is not the small lane's."
    return _about_pairs("route_up", _raise(pairs.task_type), why, pairs, share)


def _up(row: Row, shares: Shares) -> Advice:
    why = (
        f"Of answers by a small lane, shadows on another disagree with {share_with_interval(row)}; under "
        f"{format_ratio(WATCHED_ROUTE_DOWN_AGREEMENT)} of agreement a task is not the small lane's. "
        "Grade some pairs: disagreement does not say which lane is right."
    )
    share, title = shares.get(row["task_type"], 0), _raise(row["task_type"])
    return replace(task_type_advice("route_up", "", why, "disagreement_rate", row, "routing", share), title=title)


def _raise(task: str | None) -> str:
    """What sends more to the large lane, in a router's words."""
    return f"Raise {task}'s threshold" if task else "Raise the threshold of requests of unknown task type"


def _ungraded(rows: Sequence[Row], ask: AdviceContext) -> list[Row]:
    """The rows of task types without enough graded pairs: where there are, grades say it and agreement does not."""
    known = {each.task_type for each in ask.graded()}
    return [row for row in rows if row["task_type"] not in known]


def _most(rows: Sequence[Row], pairs: Sequence[GradedPairs]) -> int:
    """The largest support, by agreement or by grades."""
    return max(largest_support(rows), max((each.n for each in pairs), default=0))


def _shares(ask: AdviceContext, *, escalation: bool | None = None) -> Shares:
    """Each task type's share of all requests, as far as such lanes (None: any) answered it."""
    where = () if escalation is None else ask.lanes(escalation=escalation)
    rows = ask.rows("requests", by=("task_type",), where=where)
    total = ask.total("requests") or 1
    return {row["task_type"]: row["value"] / total for row in rows}


def advise_strong_is_worse(ask: AdviceContext) -> RuleFinding:
    """Task types whose answers fail the quality gate more often from a large lane, and have no graded pairs."""
    strong, weak = (
        {row["task_type"]: row for row in ask.rows("gate_failure_rate", ("task_type",), ask.lanes(escalation=of))}
        for of in (True, False)
    )
    both = [(row, weak[task]) for task, row in strong.items() if task in weak]
    known = {each.task_type for each in ask.graded()}
    supported = [pair for pair in both if len(rows_with_support(pair)) == 2 and pair[0]["task_type"] not in known]
    chances = holm_adjust([2 * normal_upper_tail(abs(_apart(*pair))) for pair in supported])
    shares = _shares(ask, escalation=True)
    worse = [
        pair for pair, chance in zip(supported, chances, strict=True) if chance < FAMILYWISE_ALPHA and _apart(*pair) > 0
    ]
    return RuleFinding(
        [_worse(*pair, shares) for pair in worse], max((min(one["n"], other["n"]) for one, other in both), default=0)
    )


def _apart(one: Row, other: Row) -> float:
    """How many standard errors two shares lie apart (pooled)."""
    n, m = effective_rows(one), effective_rows(other)
    pooled = (one["value"] * n + other["value"] * m) / (n + m)
    error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float((one["value"] - other["value"]) / error) if error else 0.0


def _worse(strong: Row, weak: Row, shares: Shares) -> Advice:
    why = (
        f"Answers of the large lane fail their gate {share_with_interval(strong)}, "
        f"those of the small lane {share_with_interval(weak)}, "
        "each on what it was given. Grade pairs of both lanes' answers to the same requests to be sure."
    )
    share = shares.get(strong["task_type"], 0)
    return task_type_advice("strong_is_worse", "Stop escalating", why, "gate_failure_rate", strong, "quality", share)


def _named(pairs: GradedPairs) -> str:
    return pairs.task_type or "requests of unknown task type"


def _about_pairs(rule: str, title: str, why: str, pairs: GradedPairs, share: float) -> Advice:
    """Advice about one task type that rests on graded pairs."""
    where = f"task_type:{pairs.task_type or ''}"
    figures = (pairs.gap, pairs.low, pairs.high, "ratio", pairs.n)
    return Advice(rule, title, why, "large_minus_small", *figures, where, "quality", share)


def task_type_advice(rule: str, do: str, why: str, metric: str, row: Row, page: str, share: float) -> Advice:
    """Advice about one task type."""
    task = row["task_type"]
    title = f"{do} {task or 'requests of unknown task type'}"
    return row_advice(rule, title, why, metric, row, f"task_type:{task or ''}", page, share)
