"""Advice about who should answer what."""

from datetime import timedelta

from controlsurface.reader.advice.finding import Advice, Found, Row, between, enough, most, percent
from controlsurface.reader.advice.window import Asker

TARGET, LIMIT = 0.20, 0.30  # of requests escalated: worth refining the router, worth a lane of its own
STEADY = 0.2  # relative change of the number of requests, under which traffic counts as stable
WEEK = timedelta(days=7)
PASSES, ADEQUATE = 0.95, 0.85  # of answers that agree: route down, route down and watch; below: up


def escalation(ask: Asker) -> Found:
    """Task types that escalate more than the target; above the limit for a week on stable traffic they want a lane."""
    rows = ask.rows("escalation_rate", by=("task_type",))
    steady = ask.length >= WEEK and _stable(ask)
    total = sum(row["n"] for row in rows)
    return Found(
        [_escalates(row, total, steady=steady) for row in enough(rows) if row["low"] > TARGET],
        most(rows),
    )


def _escalates(row: Row, total: int, *, steady: bool) -> Advice:
    lane = steady and row["low"] > LIMIT
    do = "Add a lane, or refine the router, for" if lane else "Refine the router for"
    long = f", above {percent(LIMIT)} for a week on stable traffic" if lane else ""
    why = f"{between(row)} of its requests escalate{long}; the target is {percent(TARGET)}."
    return about_task("escalation", do, why, "escalation_rate", row, "routing", row["n"] / total)


def _stable(ask: Asker) -> bool:
    """Whether there are about as many requests as in the window before."""
    before = ask.before("requests")
    return bool(before) and abs(ask.total("requests") / before - 1) < STEADY


def route_down(ask: Asker) -> Found:
    """Task types sent to a large lane whose shadows on a small one give the same answers."""
    rows = ask.rows("disagreement_rate", by=("task_type",), where=ask.lanes(escalation=True))
    shares = _shares(ask, escalation=True)
    return Found([_down(row, shares) for row in enough(rows) if 1 - row["value"] >= ADEQUATE], most(rows))


def _down(row: Row, shares: dict[str | None, float]) -> Advice:
    sure = 1 - row["high"] >= PASSES
    do = "Route down" if sure else "Route down with monitoring:"
    why = (
        f"Of answers by a large lane, shadows on another disagree with {between(row)}; "
        f"agreement of {percent(PASSES)} is enough by itself, {percent(ADEQUATE)} with monitoring."
    )
    return about_task("route_down", do, why, "disagreement_rate", row, "routing", shares.get(row["task_type"], 0))


def route_up(ask: Asker) -> Found:
    """Task types answered by a small lane whose shadows on a large one give other answers."""
    rows = ask.rows("disagreement_rate", by=("task_type",), where=ask.lanes(escalation=False))
    shares = _shares(ask, escalation=False)
    return Found([_up(row, shares) for row in enough(rows) if 1 - row["low"] < ADEQUATE], most(rows))


def _up(row: Row, shares: dict[str | None, float]) -> Advice:
    why = (
        f"Of answers by a small lane, shadows on another disagree with {between(row)}; "
        f"under {percent(ADEQUATE)} of agreement a task is not the small lane's."
    )
    return about_task(
        "route_up", "Send more up, of", why, "disagreement_rate", row, "routing", shares.get(row["task_type"], 0)
    )


def _shares(ask: Asker, *, escalation: bool) -> dict[str | None, float]:
    """Each task type's share of all requests, as far as such lanes answered it."""
    rows = ask.rows("requests", by=("task_type",), where=ask.lanes(escalation=escalation))
    total = ask.total("requests") or 1
    return {row["task_type"]: row["value"] / total for row in rows}


def strong_is_worse(ask: Asker) -> Found:
    """Task types whose answers fail the quality gate more often from a large lane than from a small one."""
    strong, weak = (
        {row["task_type"]: row for row in ask.rows("gate_failure_rate", ("task_type",), ask.lanes(escalation=of))}
        for of in (True, False)
    )
    both = [(row, weak[task]) for task, row in strong.items() if task in weak]
    supported = [(one, other) for one, other in both if enough([one]) and enough([other])]
    shares = _shares(ask, escalation=True)
    return Found(
        [_worse(one, other, shares) for one, other in supported if one["low"] > other["high"]],
        max((min(one["n"], other["n"]) for one, other in both), default=0),
    )


def _worse(strong: Row, weak: Row, shares: dict[str | None, float]) -> Advice:
    why = (
        f"Answers of the large lane fail their gate {between(strong)}, those of the small lane {between(weak)}, "
        "each on what it was given: there escalation destroys value."
    )
    share = shares.get(strong["task_type"], 0)
    return about_task("strong_is_worse", "Stop escalating", why, "gate_failure_rate", strong, "quality", share)


def about_task(rule: str, do: str, why: str, metric: str, row: Row, page: str, share: float) -> Advice:
    """Advice about one task type."""
    task = row["task_type"]
    return Advice(
        rule,
        f"{do} {task or 'requests of unknown task type'}",
        why,
        metric,
        row["value"],
        row["low"],
        row["high"],
        "ratio",
        row["n"],
        f"task_type:{task or ''}",
        page,
        share,
    )
