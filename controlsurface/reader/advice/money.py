"""Advice about what costs more than it must."""

from controlsurface.formatting import format_money, format_ratio
from controlsurface.reader.advice.finding import (
    SUPPORT,
    Advice,
    Found,
    Row,
    between,
    enough,
    most,
    surely_above,
    surely_below,
)
from controlsurface.reader.advice.window import Asker

WAITING = 0.1  # of job requests in real time, from which batching is worth a word
PRICED = 0.99  # of a model's calls
OFTEN = 0.02  # of calls, from which a full window is no exception


def overhead(ask: Asker) -> Found:
    """Whether the router's own calls cost more than small answers save against large ones of the same task type."""
    small, large = (
        {row["task_type"]: row for row in ask.rows("cost_per_request", ("task_type",), ask.lanes(escalation=of))}
        for of in (False, True)
    )
    both = [(small[task], row) for task, row in large.items() if task in small and enough([row, small[task]])]
    both = [(one, other) for one, other in both if one["n"] >= SUPPORT and other["n"] >= SUPPORT]
    saved = sum((float(other["value"]) - float(one["value"])) * one["n"] for one, other in both)
    spent, n = ask.total("overhead_cost"), sum(one["n"] for one, _ in both)
    if not both or spent <= saved:
        return Found([], n)
    why = (
        f"Classifiers, judges and shadows cost {format_money(spent)}; {n:,} answers of small lanes saved "
        f"{format_money(saved)} against the mean cost of large ones of the same task type. "
        "Below break-even a router costs more than it saves."
    )
    advice = Advice(
        "overhead", "Make the router cheaper", why, "overhead_cost", spent, None, None, "usd", n, "", "cost", 1
    )
    return Found([advice], n)


def unpriced(ask: Asker) -> Found:
    """Models whose calls have no price: what they cost is unknown, and every total is too low.

    Calls without token counts are not among them: a price would not help (see `usage`).
    """
    rows = ask.rows("priced_share", by=("model",))
    unpriced = {row["model"]: row["value"] for row in ask.rows("unpriced_attempts", by=("model",))}
    lost = {row["model"]: row["value"] for row in ask.rows("calls_without_usage", by=("model",))}
    total = sum(row["n"] for row in rows) or 1
    poor = surely_below(rows, PRICED)
    priceless = {row["model"]: 1 - lost.get(row["model"], 0) / unpriced[row["model"]] for row in poor}
    wanted = [row for row in poor if (1 - row["value"]) * priceless[row["model"]] > 1 - PRICED]
    return Found([_unpriced(row, row["n"] / total) for row in wanted], most(rows))


def _unpriced(row: Row, share: float) -> Advice:
    model = row["model"]
    why = f"{between(row)} of its calls are fully priced; what is missing of the others is missing in every total."
    return Advice(
        "unpriced",
        f"Give {model or 'the unnamed model'} a price in prices.toml",
        why,
        "priced_share",
        row["value"],
        row["low"],
        row["high"],
        "ratio",
        row["n"],
        f"model:{model or ''}",
        "cost",
        share,
    )


def batchable(ask: Asker) -> Found:
    """Jobs, for which nobody waits, that are sent in real time."""
    rows = ask.rows("batchable_share", by=("job",))
    total = ask.total("requests") or 1
    known = [row for row in rows if row["job"] is not None]
    return Found([_waits(row, total) for row in surely_above(known, WAITING)], most(known))


def _waits(row: Row, total: float) -> Advice:
    why = f"{between(row)} of its requests are sent in real time, though nobody waits for a job; batch calls cost less."
    return Advice(
        "batchable",
        f"Send {row['job']} as batch",
        why,
        "batchable_share",
        row["value"],
        row["low"],
        row["high"],
        "ratio",
        row["n"],
        f"job:{row['job']}",
        "cost",
        row["value"] * row["n"] / total,
    )


def window(ask: Asker) -> Found:
    """Task types whose input often fills most of a small lane's window."""
    rows = ask.rows("context_over_80", by=("task_type",), where=ask.lanes(escalation=False))
    total = sum(row["n"] for row in rows) or 1
    found = [_fills(row, row["value"] * row["n"] / total) for row in surely_above(rows, OFTEN)]
    return Found(found, most(rows))


def _fills(row: Row, share: float) -> Advice:
    task = row["task_type"]
    why = f"{between(row)} of its calls to small lanes fill more than {format_ratio(0.8)} of the model's window."
    return Advice(
        "window",
        f"Send long inputs of {task or 'unknown task type'} past the small lane",
        why,
        "context_over_80",
        row["value"],
        row["low"],
        row["high"],
        "ratio",
        row["n"],
        f"task_type:{task or ''}",
        "routing",
        share,
    )
