"""What own hardware was paid for a window, what its calls owe of that, and the idle time that is left.

The calls' costs and the idle time add up to what was paid, in the currency it was paid in, to the last digit. Idle time
belongs to nobody and is a row of its own; what lanes cost with it adds up to the same sum, each lane having the part
of its busy time. More calls at once than `concurrency` says owe more than was paid: idle time is below zero then.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any

from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_terms import USD, Dated, HardwareEntry, holds_on

_LAST_DIGIT = Decimal("1e-12")
_MICROSECONDS_PER_HOUR = 3_600_000_000
_MILLION = 1_000_000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PaidHours:
    """One kind of hardware in a window: places times hours, what they cost in its currency and in USD.

    `usd` None: for a part of the window nobody gave a rate.
    """

    hardware: str
    currency: str
    place_hours: Decimal
    amount: Decimal
    usd: Decimal | None


@dataclass(slots=True)
class _Sums:
    place_us: int = 0
    amount: Decimal = Decimal(0)
    usd: Decimal | None = Decimal(0)
    currencies: set[str] = field(default_factory=set)


def paid_hours(book: PriceBook, start: datetime, end: datetime) -> list[PaidHours]:
    """What the window cost, by hardware and currency; what is not there yet or any more costs nothing."""
    found: dict[tuple[str, str], _Sums] = {}
    for row in book.hardware:
        sums = found.setdefault((row.name, row.currency), _Sums())
        for low, high in _held(book, row, start, end):
            microseconds = (high - low) // timedelta(microseconds=1)
            amount = row.hour_price * microseconds / _MICROSECONDS_PER_HOUR
            rate = _usd_rate(book, row.currency, low.date())
            sums.place_us += microseconds * row.concurrency
            sums.amount += amount
            sums.usd = None if rate is None or sums.usd is None else sums.usd + amount * rate
    return [
        PaidHours(
            *key,
            Decimal(sums.place_us) / _MICROSECONDS_PER_HOUR,
            _rounded(sums.amount),
            None if sums.usd is None else _rounded(sums.usd),
        )
        for key, sums in sorted(found.items())
        if sums.place_us
    ]


def hardware_rows(paid: Iterable[PaidHours], used: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Rows by hardware and lane, and its idle time (lane None), of what was paid and what calls used.

    `used`: hardware, currency, lane, calls, untimed, other_prices, tokens, busy_ms, amount, usd, one for each lane.
    """
    by_key: dict[tuple[str, str], list[Row]] = {}
    for row in used:
        by_key.setdefault((row["hardware"], row["currency"]), []).append(row)
    there = {(each.hardware, each.currency): each for each in paid}
    for key in sorted(there.keys() | by_key.keys()):
        bought = there.get(key, PaidHours(*key, Decimal(0), Decimal(0), Decimal(0)))
        yield from _of_one(bought, sorted(by_key.get(key, ()), key=lambda row: str(row["lane"])))


def split_exactly(whole: Decimal, parts: Iterable[Decimal]) -> list[Decimal]:
    """`whole` in proportion of parts, in steps of the last digit, so that they add up to it; nothing for no parts.

    >>> split_exactly(Decimal(1), [Decimal(1), Decimal(1), Decimal(1)])
    [Decimal('0.333333333333'), Decimal('0.333333333334'), Decimal('0.333333333333')]
    """
    sums = [Decimal(0)]
    for part in parts:
        sums.append(sums[-1] + part)
    ends = [_rounded(whole * each / sums[-1]) if sums[-1] else Decimal(0) for each in sums]
    return [high - low for low, high in pairwise(ends)]


def _of_one(paid: PaidHours, used: list[Row]) -> Iterator[dict[str, Any]]:
    """The lanes of one kind of hardware, and its idle time."""
    busy = [Decimal(str(row["busy_ms"] or 0)) / 3_600_000 for row in used]
    amounts, usds = ([row[name] or Decimal(0) for row in used] for name in ("amount", "usd"))
    known = paid.usd is not None and all(row["usd"] is not None or not row["amount"] for row in used)
    with_idle = split_exactly(paid.amount, busy)
    with_idle_usd = split_exactly(paid.usd, busy) if paid.usd is not None and known else [None] * len(used)
    about = {"hardware": paid.hardware, "currency": paid.currency}
    for row, hours, amount, usd, full, full_usd in zip(
        used, busy, amounts, usds, with_idle, with_idle_usd, strict=True
    ):
        tokens = row["tokens"]
        yield about | {
            "lane": row["lane"],
            **{name: row[name] for name in ("calls", "untimed", "other_prices", "tokens")},
            **_share(hours, paid),
            "amount": amount,
            "cost_usd": usd if known else None,
            "amount_with_idle": full,
            "cost_usd_with_idle": full_usd,
            "per_mtok": float(amount / tokens * _MILLION) if tokens else None,
            "per_mtok_with_idle": float(full / tokens * _MILLION) if tokens else None,
        }
    left = paid.usd - sum(usds, Decimal(0)) if known and paid.usd is not None else None
    yield about | {
        "lane": None,
        **dict.fromkeys(("calls", "untimed", "other_prices"), 0),
        "tokens": None,
        **_share(paid.place_hours - sum(busy, Decimal(0)), paid),
        "amount": paid.amount - sum(amounts, Decimal(0)),
        "cost_usd": left,
        "amount_with_idle": None if any(busy) else paid.amount,
        "cost_usd_with_idle": left if known and not any(busy) else None,
        **dict.fromkeys(("per_mtok", "per_mtok_with_idle")),
    }


def _share(hours: Decimal, paid: PaidHours) -> dict[str, float | None]:
    """Hours of places, and their share of all that were paid."""
    return {"hours": float(hours), "utilisation": float(hours / paid.place_hours) if paid.place_hours else None}


def _held(book: PriceBook, row: HardwareEntry, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The spans of the window on which the row holds, cut where a rate changes."""
    dated: tuple[Dated, ...] = (row, *book.exchange)
    days = {day for each in dated for day in (each.valid_from, each.valid_to) if day is not None}
    cuts = sorted({start, end, *(at for at in map(_midnight, days) if start < at < end)})
    return ((low, high) for low, high in pairwise(cuts) if holds_on(row, low.date()))


def _usd_rate(book: PriceBook, currency: str, day: date) -> Decimal | None:
    if currency == USD:
        return Decimal(1)
    return next((each.usd for each in book.exchange if each.currency == currency and holds_on(each, day)), None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_LAST_DIGIT, ROUND_HALF_EVEN)
