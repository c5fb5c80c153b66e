"""A bill held against our estimates: what matches, what only one side has, what differs, and why that is likely.

Pure: rows in, rows out. A reason is named only where something shows it; where several do, the one that explains most
of the difference comes first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

Status = Literal["matched", "different", "theirs_only", "ours_only"]
ZERO = Decimal(0)

REASONS: Mapping[str, str] = {
    "free_credits": "the bill gives credits, or charges nothing for tokens that it counts",
    "tax": "a tax, which no estimate has",
    "other_charge": "a charge for something else than tokens of a model",
    "streams_without_usage": "streamed calls whose spans have no token counts",
    "calls_without_usage": "calls whose spans have no token counts",
    "no_price": "calls that have no price here",
    "service_tier": "the bill has a service tier that our calls do not name",
    "cache": "the bill counts another number of cached input tokens",
    "calls_missing": "the bill counts more tokens than spans say: calls that were not received",
    "region": "the bill names a region, which may have its own prices",
    "day_border": "the next day differs by as much the other way: days are cut at another hour",
    "not_received": "no call of this model was received in these days",
    "not_billed": "the bill has nothing of this model",
    "unknown": "nothing here tells why",
}


@dataclass(frozen=True, slots=True)
class BilledDay:
    """What a provider charged for a model on a day, its lines together."""

    day: date
    provider: str
    model: str | None
    kind: str
    amount_usd: Decimal
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    tiers: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class EstimatedDay:
    """What calls of a model are estimated to have cost on a day; counts and tokens are those of all its calls."""

    day: date
    provider: str | None
    model: str | None
    cost_usd: Decimal | None
    calls: Decimal = ZERO
    unpriced: Decimal = ZERO
    without_usage: Decimal = ZERO
    streams_without_usage: Decimal = ZERO
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    tiers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReconciledDay:
    """Both sides of a day and model; a side that has nothing is None. `difference_usd`: theirs less ours."""

    day: date
    provider: str
    model: str | None
    kind: str
    status: Status
    theirs_usd: Decimal | None
    ours_usd: Decimal | None
    difference_usd: Decimal
    reasons: tuple[str, ...] = ()
    note: str | None = None
    calls: Decimal = field(default=ZERO)
    unpriced: Decimal = field(default=ZERO)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two sums may be apart and still match: a share of the larger, and so many dollars in any case."""

    share: Decimal = Decimal("0.01")
    usd: Decimal = Decimal("0.01")

    def matches(self, one: Decimal, other: Decimal) -> bool:
        """Whether two sums are the same within it."""
        return abs(one - other) <= max(self.usd, self.share * max(abs(one), abs(other)))


def reconcile(billed: Iterable[BilledDay], estimated: Iterable[EstimatedDay], within: Tolerance) -> list[ReconciledDay]:
    """Rows by day, provider and model. Estimates of a day that no bill of their provider covers are left out."""
    bills = list(billed)
    usage = {(each.day, each.provider, each.model): each for each in bills if each.kind == "usage"}
    whole = _unbroken_days(usage)
    covered = {(each.day, each.provider) for each in bills}
    sellers: dict[str | None, str] = {each.model: each.provider for each in usage.values() if each.model}
    ours: dict[tuple[date, str, str | None], EstimatedDay] = {}
    for each in estimated:
        provider = each.provider or sellers.get(each.model)
        if provider is None or (each.day, provider) not in covered:
            continue
        key = (each.day, provider, None if (each.day, provider) in whole else each.model)
        ours[key] = _together(ours[key], each) if key in ours else each
    received = {(provider, model) for _, provider, model in ours}
    keys = sorted({*usage, *ours}, key=lambda key: (key[0], key[1], key[2] or ""))
    rows = [_row(key, usage.get(key), ours.get(key), within, received) for key in keys]
    rows += [_apart(each) for each in bills if each.kind != "usage"]
    return _with_borders(rows, within)


def coverage(rows: Iterable[ReconciledDay]) -> float | None:
    """Which share of the bill's usage estimates account for: of each row no more than it has; None without usage."""
    usage = [row for row in rows if row.kind == "usage" and (row.theirs_usd or ZERO) > 0]
    theirs = sum((row.theirs_usd or ZERO for row in usage), ZERO)
    known = sum((max(ZERO, min(row.theirs_usd or ZERO, row.ours_usd or ZERO)) for row in usage), ZERO)
    return float(known / theirs) if theirs else None


def _unbroken_days(usage: Mapping[tuple[date, str, str | None], BilledDay]) -> set[tuple[date, str]]:
    """Days of which a bill names no model at all: they are compared as a whole."""
    named = {(day, provider) for day, provider, model in usage if model is not None}
    return {(day, provider) for day, provider, model in usage if model is None} - named


def _together(one: EstimatedDay, other: EstimatedDay) -> EstimatedDay:
    """The calls of both."""
    known = [each.cost_usd for each in (one, other) if each.cost_usd is not None]
    return replace(
        one,
        cost_usd=sum(known, ZERO) if known else None,
        tiers=one.tiers | other.tiers,
        calls=one.calls + other.calls,
        unpriced=one.unpriced + other.unpriced,
        without_usage=one.without_usage + other.without_usage,
        streams_without_usage=one.streams_without_usage + other.streams_without_usage,
        input_tokens=one.input_tokens + other.input_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
    )


def _row(
    key: tuple[date, str, str | None],
    theirs: BilledDay | None,
    ours: EstimatedDay | None,
    within: Tolerance,
    received: set[tuple[str, str | None]],
) -> ReconciledDay:
    """One day and model."""
    cost = None if ours is None else ours.cost_usd
    charged = None if theirs is None else theirs.amount_usd
    apart = (charged or ZERO) - (cost or ZERO)
    reasons: Sequence[str] = ()
    if theirs is None:
        status: Status = "ours_only"
        reasons = ("not_billed",)
    elif ours is None:
        status = "theirs_only"
        reasons = ("not_received",) if (key[1], key[2]) not in received else ("calls_missing",)
        reasons = ("other_charge",) if theirs.model is None else reasons
    elif cost is not None and within.matches(theirs.amount_usd, cost):
        status = "matched"
    else:
        status, reasons = "different", _likely(theirs, ours, apart)
    day, provider, model = key
    note = theirs.note if theirs else None
    calls, unpriced = (ours.calls, ours.unpriced) if ours else (ZERO, ZERO)
    return ReconciledDay(
        day, provider, model, "usage", status, charged, cost, apart, tuple(reasons), note, calls, unpriced
    )


def _apart(line: BilledDay) -> ReconciledDay:
    """Credits, taxes and charges for other things stand by themselves."""
    reason = {"credit": "free_credits", "tax": "tax"}.get(line.kind, "other_charge")
    amount = line.amount_usd
    return ReconciledDay(
        line.day, line.provider, line.model, line.kind, "theirs_only", amount, None, amount, (reason,), line.note
    )


def _likely(theirs: BilledDay, ours: EstimatedDay, apart: Decimal) -> tuple[str, ...]:
    """The reasons that something shows, those that explain most of the difference first."""
    found = {name: effect for name, effect in _evidence(theirs, ours, apart).items() if effect is not None}
    ranked = sorted(found, key=lambda name: (abs(apart - found[name]), list(REASONS).index(name)))
    return tuple(ranked) or ("unknown",)


def _evidence(theirs: BilledDay, ours: EstimatedDay, apart: Decimal) -> dict[str, Decimal | None]:
    """By reason, how much of the difference (theirs less ours) it would make; None where nothing shows it."""
    more = apart > 0
    priced = ours.calls - ours.unpriced
    mean = (ours.cost_usd or ZERO) / priced if priced > 0 else None
    counted = theirs.input_tokens is not None or theirs.output_tokens is not None
    tokens = (theirs.input_tokens or 0) + (theirs.output_tokens or 0)
    seen = ours.input_tokens + ours.output_tokens
    counting = ours.calls - ours.without_usage
    expected = int(seen * ours.calls / counting) if counting > 0 else seen  # had calls without counts said theirs
    others = ours.without_usage - ours.streams_without_usage
    priceless = ours.unpriced - ours.without_usage
    charged_nothing = theirs.amount_usd == 0 and (ours.cost_usd or ZERO) > 0
    return {
        "free_credits": apart if charged_nothing else None,
        "streams_without_usage": _of_calls(ours.streams_without_usage, mean, apart) if more else None,
        "calls_without_usage": _of_calls(others, mean, apart) if more else None,
        "no_price": _of_calls(priceless, mean, apart) if more else None,
        "service_tier": apart / 2 if theirs.tiers - ours.tiers else None,
        "cache": apart / 2 if _cached_otherwise(theirs, ours, more) else None,
        "calls_missing": _of_tokens(tokens - expected, seen, ours.cost_usd) if more and counted else None,
        "region": apart / 4 if more and theirs.regions else None,
    }


def _of_calls(count: Decimal, mean: Decimal | None, apart: Decimal) -> Decimal | None:
    """What so many calls would cost, at the mean of the others; all of the difference where there are no others."""
    if count <= 0:
        return None
    return apart if mean is None else count * mean


def _of_tokens(missing: int, seen: int, cost: Decimal | None) -> Decimal | None:
    """What missing tokens would cost at the mean of those seen; more than one in a hundred count."""
    if missing * 100 <= seen or not seen or cost is None:
        return None
    return cost * missing / seen


def _cached_otherwise(theirs: BilledDay, ours: EstimatedDay, more: bool) -> bool:
    """Whether the bill's cached tokens differ in the direction of the money: more of them cost less."""
    if theirs.cached_tokens is None or not ours.input_tokens:
        return False
    apart = theirs.cached_tokens - ours.cached_tokens
    return abs(apart) * 100 > ours.input_tokens and (apart < 0) == more


def _with_borders(rows: list[ReconciledDay], within: Tolerance) -> list[ReconciledDay]:
    """Rows of a model whose differences of two neighbouring days cancel out have that as their first reason."""
    differing = {
        (row.provider, row.model, row.day): row for row in rows if row.kind == "usage" and row.status == "different"
    }
    bordered = set()
    for (provider, model, day), row in differing.items():
        after = differing.get((provider, model, day + timedelta(days=1)))
        opposite = after is not None and row.difference_usd * after.difference_usd < 0
        if after and opposite and within.matches(row.difference_usd, -after.difference_usd):
            bordered |= {(provider, model, day), (provider, model, after.day)}
    return [
        replace(row, reasons=("day_border", *(each for each in row.reasons if each != "unknown")))
        if row.kind == "usage" and (row.provider, row.model, row.day) in bordered
        else row
        for row in rows
    ]
