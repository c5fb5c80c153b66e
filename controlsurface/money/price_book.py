"""The user's own prices: `prices.toml`, one effective-dated row a table.

    [[price]]
    model = "qwen2.5-7b*"        # glob over the model's name, with or without provider prefix
    provider = "vllm"            # glob; left out: any provider, or none named
    valid_from = 2026-07-01      # UTC days; valid_to is the first day it no longer holds
    mode = "realtime"            # or "batch"; left out: both
    service_tier = "flex"        # or "priority", ...; "default": calls that name none; left out: calls of every tier
    tier_from = 0                # the row holds for calls with at least so many input tokens
    currency = "EUR"             # of all prices of the row; left out: USD
    input = 0.04                 # per million tokens; also cached_input, cache_write, cache_write_1h,
    output = 0.10                # reasoning, audio_input, cached_audio, audio_output, image_input, image_output
    request = 0                  # per call
    web_search = 10              # per thousand searches that the provider runs for calls
    context_window = 32768       # tokens that the model reads and writes at most; left out: the library's
    hardware = "gpus"            # in place of all prices: own hardware that runs the calls (money/price_terms.py)

The first row of the file that matches a call's model, provider, mode, service tier and day decides; rows of the same
model and provider globs are its tiers and dates. A row for a mode or a service tier goes before one for any. A price of
zero must be written; a row with only `request` makes tokens free.

Cached, written and reasoning tokens without a price of their own are billed as input and output. Audio, pictures,
caches kept for an hour and web searches are not the same goods: a call that has them, by a row that does not name them,
is billed without their price and counts as not fully priced.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import combinations, pairwise
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from controlsurface.config.section import ConfigSection
from controlsurface.errors import did_you_mean
from controlsurface.explanations import read_toml
from controlsurface.money import price_rate
from controlsurface.money.price_rate import (
    BATCH_MODE,
    REALTIME_MODE,
    Days,
    PriceRate,
    PriceTerms,
    UnitPrices,
    stored_price,
)
from controlsurface.money.price_terms import (
    CURRENCY_PATTERN,
    USD,
    Dated,
    ExchangeEntry,
    HardwareEntry,
    Money,
    dated_collisions,
    holds_on,
    is_empty_span,
    overlap,
)

# What is billed as part of something else needs a price for that beside it.
_PART_OF = {
    **dict.fromkeys("cached_input cache_write cache_write_1h audio_input".split(), "input"),
    "cached_audio": "audio_input",
    "image_input": "input",
    **dict.fromkeys("reasoning audio_output image_output".split(), "output"),
}
_OF_TOKENS = ("input", "output", *_PART_OF)


class PriceEntry(ConfigSection):
    """One `[[price]]`."""

    model: str = Field(min_length=1)
    provider: str | None = None
    currency: str = Field(USD, pattern=CURRENCY_PATTERN)
    valid_from: date | None = None
    valid_to: date | None = None
    hardware: str | None = None
    mode: Literal["realtime", "batch"] | None = None
    service_tier: str | None = Field(None, min_length=1)
    tier_from: int = Field(0, ge=0)
    input: Money | None = None
    cached_input: Money | None = None
    cache_write: Money | None = None
    cache_write_1h: Money | None = None
    audio_input: Money | None = None
    cached_audio: Money | None = None
    image_input: Money | None = None
    output: Money | None = None
    reasoning: Money | None = None
    audio_output: Money | None = None
    image_output: Money | None = None
    request: Money | None = None
    web_search: Money | None = None
    context_window: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for wrong, text in self._contradictions():
            if wrong:
                raise ValueError(text)
        return self

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield is_empty_span(self), "valid_to must be after valid_from"
        alone = self.hardware is not None
        priced = not self._is_free_of_tokens() or self.request is not None or self.web_search is not None
        yield alone and (priced or self.currency != USD), "hardware is paid by the hour: its calls have no other price"
        yield not alone and self._is_free_of_tokens() and self.request is None, "no price; a free model has input = 0"
        for part, whole in _PART_OF.items():
            alone = getattr(self, part) is not None and getattr(self, whole) is None
            yield alone, f"{part} needs a price for {whole} beside it"

    def _is_free_of_tokens(self) -> bool:
        return all(getattr(self, name) is None for name in _OF_TOKENS)

    @property
    def key(self) -> tuple[str, str | None]:
        """Rows with one key are one price list: its tiers and its dates."""
        return self.model, self.provider

    @property
    def served(self) -> tuple[bool, str | None]:
        """Whether the row is for one service tier, and for which; None is the one of calls that name none."""
        return self.service_tier is not None, price_rate.service_tier_of(self.service_tier)

    def matches(self, provider: str | None, model: str) -> bool:
        """Whether the globs fit in any case of letters, the model with or without what precedes its last slash."""
        names = {model.lower(), model.lower().rpartition("/")[2]}
        if not any(fnmatchcase(name, self.model.lower()) for name in names):
            return False
        return self.provider is None or (provider is not None and fnmatchcase(provider.lower(), self.provider.lower()))

    def holds(self, mode: str, service_tier: str | None, day: date) -> bool:
        """Whether the row prices calls of this mode and service tier on this UTC day."""
        served = self.service_tier is None or self.served[1] == service_tier
        return holds_on(self, day) and served and self.mode in {None, mode}

    def prices(self) -> UnitPrices:
        """The row's prices; one with a price per request alone makes tokens free."""
        free = Decimal(0) if self._is_free_of_tokens() and self.hardware is None else None
        tokens = {name: _stored(getattr(self, name) if free is None else free) for name in _OF_TOKENS}
        searches = None if self.web_search is None else stored_price(self.web_search / 1000)
        return UnitPrices(**tokens, request=stored_price(self.request or Decimal(0)), web_search=searches)


class PriceBook(ConfigSection):
    """The whole file."""

    price: tuple[PriceEntry, ...] = ()
    hardware: tuple[HardwareEntry, ...] = ()
    exchange: tuple[ExchangeEntry, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        for (i, one), (j, other) in combinations(enumerate(self.price), 2):
            if _collide(one, other):
                raise ValueError(f"price[{i}] and price[{j}] hold for the same model, tier and days")
        for problem in (*dated_collisions("hardware", self.hardware), *dated_collisions("exchange", self.exchange)):
            raise ValueError(problem)
        known = {row.name for row in self.hardware}
        for i, row in enumerate(self.price):
            if row.hardware is not None and row.hardware not in known:
                raise ValueError(
                    f"price[{i}].hardware: no hardware named '{row.hardware}'{did_you_mean(row.hardware, known)}"
                )
        return self

    def rates(self, provider: str | None, model: str, service_tier: str | None = None) -> list[PriceRate]:
        """What this book charges for one model and service tier at any time; rows that do not overlap, or none."""
        rows = [row for row in self.price if row.matches(provider, model)]
        return [rate for days in _spans(self._dated(rows)) for rate in self._rates_within(rows, service_tier, days)]

    def terms(self, row: PriceEntry, day: date) -> PriceTerms | None:
        """What a row's prices are in and by on a day; None where it names hardware that is not there then."""
        pool = next((each for each in self.hardware if each.name == row.hardware and holds_on(each, day)), None)
        if row.hardware is not None and pool is None:
            return None
        currency = pool.currency if pool else row.currency
        rate = next((each.usd for each in self.exchange if each.currency == currency and holds_on(each, day)), None)
        paid = (pool.name, stored_price(pool.hour_price), pool.concurrency) if pool else (None, None, None)
        return PriceTerms(None if currency == USD else currency, _stored(rate), *paid)

    def _dated(self, rows: list[PriceEntry]) -> list[Dated]:
        """The rows, and what their terms change with."""
        pools = [each for each in self.hardware if each.name in {row.hardware for row in rows}]
        currencies = {row.currency for row in rows} | {pool.currency for pool in pools}
        return [*rows, *pools, *(each for each in self.exchange if each.currency in currencies)]

    def _rates_within(self, rows: list[PriceEntry], service_tier: str | None, days: Days) -> Iterator[PriceRate]:
        day = days[0] or date.min
        realtime, batch = (_tiers(rows, mode, service_tier, day) for mode in (REALTIME_MODE, BATCH_MODE))
        lists = [(None, realtime)] if realtime == batch else [(REALTIME_MODE, realtime), (BATCH_MODE, batch)]
        usual = {row.tier_from: row.prices() for row in realtime}
        for mode, tiers in lists:
            for row, after in zip(tiers, [*tiers[1:], None], strict=False):
                tier, prices = (row.tier_from, after.tier_from if after else None), row.prices()
                share = price_rate.batch_factor(mode, row.tier_from, prices, usual)
                terms, window = self.terms(row, day), row.context_window
                if terms is not None:
                    yield PriceRate("user", mode, days, (None, None), tier, prices, share, window, terms=terms)


def read_book(path: Path | None) -> PriceBook:
    """The user's prices in `path`; None is an empty book. Raises ConfigError naming every problem."""
    return read_toml(path, PriceBook, Decimal) if path else PriceBook()


def _tiers(rows: list[PriceEntry], mode: str, service_tier: str | None, day: date) -> list[PriceEntry]:
    """The deciding price list's rows, smallest tier first; one for the very mode or service tier goes first."""
    holding = [row for row in rows if row.holds(mode, service_tier, day)]
    listed = [row for row in holding if row.key == holding[0].key]
    served = [row for row in listed if row.service_tier is not None] or listed
    exact = [row for row in served if row.mode == mode]
    return sorted(exact or served, key=lambda row: row.tier_from)


def _spans(rows: Iterable[Dated]) -> Iterator[Days]:
    """The spans of days within which no row begins or ends."""
    cuts = {day for row in rows for day in (row.valid_from, row.valid_to) if day is not None}
    return pairwise([None, *sorted(cuts), None])


def _collide(one: PriceEntry, other: PriceEntry) -> bool:
    same = (one.key, one.mode, one.tier_from, one.served) == (other.key, other.mode, other.tier_from, other.served)
    return same and overlap(one, other)


def _stored(price: Decimal | None) -> Decimal | None:
    return None if price is None else stored_price(price)
