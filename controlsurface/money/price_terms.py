"""Terms of the user's prices: own hardware that is paid by the hour, and what other currencies are worth in USD.

    [[hardware]]
    name = "gpus"                # what `hardware` of a price names
    gpu_hour = 2.10              # of one GPU; the hours without calls are paid, too
    gpus = 4
    concurrency = 16             # calls at once that make it fully busy
    currency = "EUR"             # left out: USD
    valid_from = 2026-07-01      # UTC days on which it is paid; valid_to is the first day it no longer is

    [[exchange]]
    currency = "EUR"
    usd = 1.08                   # for one of it
    valid_from = 2026-07-01      # UTC days; without a rate for its day an amount is part of no sum in USD

A call on own hardware owes its duration by `gpu_hour * gpus / concurrency`: that of no other call, so none that comes
late changes what it costs. What the hours cost beyond is idle time, a row of its own (money/hardware_costs.py).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Annotated, Protocol, Self

from pydantic import Field, PlainSerializer, model_validator

from controlsurface.config.section import ConfigSection

USD = "USD"
CURRENCY_PATTERN = "^[A-Z]{3}$"  # ISO 4217

Money = Annotated[Decimal, Field(ge=0, lt=1_000_000), PlainSerializer(lambda usd: format(usd.normalize(), "f"), str)]
_Rate = Annotated[Decimal, Field(gt=0, lt=1_000_000), PlainSerializer(lambda usd: format(usd.normalize(), "f"), str)]


class Dated(Protocol):
    """Whatever holds from one UTC day to before another; None is unbounded."""

    @property
    def valid_from(self) -> date | None:
        """The first day."""

    @property
    def valid_to(self) -> date | None:
        """The first day on which it no longer holds."""


class DatedName(Dated, Protocol):
    """... under a name that no other has on the same days."""

    @property
    def dated_name(self) -> str:
        """That name."""


def holds_on(row: Dated, day: date) -> bool:
    """Whether the row holds on this UTC day."""
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or day < row.valid_to)


def is_empty_span(row: Dated) -> bool:
    """Whether it holds on no day."""
    return _is_over(row.valid_from, row.valid_to)


def overlap(one: Dated, other: Dated) -> bool:
    """Whether there is a day on which both hold."""
    return not _is_over(one.valid_from, other.valid_to) and not _is_over(other.valid_from, one.valid_to)


class HardwareEntry(ConfigSection):
    """One `[[hardware]]`."""

    name: str = Field(min_length=1, max_length=100)
    gpu_hour: Money
    gpus: int = Field(1, gt=0, le=100_000)
    concurrency: int = Field(1, gt=0, le=1_000_000)
    currency: str = Field(USD, pattern=CURRENCY_PATTERN)
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        _require_days(self)
        if self.hour_price >= 1_000_000:
            raise ValueError("gpu_hour times gpus must be less than a million")
        return self

    @property
    def hour_price(self) -> Decimal:
        """What an hour of all of it costs, in its currency."""
        return self.gpu_hour * self.gpus

    @property
    def dated_name(self) -> str:
        """What two rows may not be called on one day."""
        return self.name


class ExchangeEntry(ConfigSection):
    """One `[[exchange]]`."""

    currency: str = Field(pattern=CURRENCY_PATTERN)
    usd: _Rate
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        _require_days(self)
        if self.currency == USD:
            raise ValueError("USD is what other currencies are converted to")
        return self

    @property
    def dated_name(self) -> str:
        """What two rows may not be called on one day."""
        return self.currency


def dated_collisions(table: str, rows: Sequence[DatedName]) -> Iterator[str]:
    """What is wrong with rows of one name that hold on the same days."""
    for (i, one), (j, other) in combinations(enumerate(rows), 2):
        if one.dated_name == other.dated_name and overlap(one, other):
            yield f"{table}[{i}] and {table}[{j}] hold for '{one.dated_name}' on the same days"


def _require_days(row: Dated) -> None:
    if is_empty_span(row):
        raise ValueError("valid_to must be after valid_from")


def _is_over(start: date | None, end: date | None) -> bool:
    return start is not None and end is not None and end <= start
