"""One row of prices: what a model costs in a service tier, between two dates, times of day and prompt sizes."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, time
from decimal import ROUND_HALF_EVEN, Decimal

BATCH_MODE = "batch"
REALTIME_MODE = "realtime"
_LAST_DECIMAL = Decimal("1e-12")
_EACH = {"request": "request_usd", "web_search": "web_search_usd"}  # all others are for a million tokens

Days = tuple[date | None, date | None]
Hours = tuple[time | None, time | None]


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """USD per million tokens, per request and per web search; None: no such price is known.

    Cached, cache-write and reasoning tokens without a price of their own are billed as input and output. So are those
    of audio, of pictures and of caches kept for an hour, but then the price is not fully known, and the call says so.
    """

    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    audio_input: Decimal | None = None
    cached_audio: Decimal | None = None
    image_input: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    audio_output: Decimal | None = None
    image_output: Decimal | None = None
    request: Decimal = Decimal(0)
    web_search: Decimal | None = None

    @property
    def of_tokens(self) -> bool:
        """Whether any kind of token has a price."""
        return any(price is not None for name, price in asdict(self).items() if name not in _EACH)

    def row(self) -> dict[str, object]:
        """The columns of table `prices` that hold prices."""
        return {_EACH.get(name, f"{name}_usd_per_mtok"): price for name, price in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """Beside the prices: their currency (None: USD) with USD for one of it, and own hardware that is paid by the hour.

    `usd_rate` None: nobody gave a rate. Calls on hardware owe the time that they keep one of `concurrency` places.
    """

    currency: str | None = None
    usd_rate: Decimal | None = None
    hardware: str | None = None
    hour_price: Decimal | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class PriceRate:
    """Prices and the calls they hold for: upper bounds are exclusive, None is unbounded.

    `mode` None holds for realtime and batch alike; days and hours are UTC; tiers count input tokens of a call.
    `batch_factor` is the price in batch as a share of the one in real time, where both are known.
    `unpriced` is what of these calls the list has no price for, as `service_tier=flex`; it prices them without.
    `assumed`: nobody named the seller, or nobody knows the name; the price is the model's.
    `terms`: in which currency the prices are, and which own hardware runs the calls.
    """

    source: str
    mode: str | None
    days: Days
    hours: Hours
    tier: tuple[int, int | None]
    prices: UnitPrices
    batch_factor: float | None = None
    context_window: int | None = None
    unpriced: str | None = None
    assumed: bool = False
    terms: PriceTerms = PriceTerms()

    def row(self) -> dict[str, object]:
        """The columns of table `prices`, without provider, model and service tier."""
        return {
            "source": self.source,
            "mode": self.mode,
            **dict(zip(("valid_from", "valid_to"), self.days, strict=True)),
            **dict(zip(("time_from", "time_to"), self.hours, strict=True)),
            **dict(zip(("tier_from", "tier_to"), self.tier, strict=True)),
            **self.prices.row(),
            "batch_factor": self.batch_factor,
            "context_window": self.context_window,
            "unpriced": self.unpriced,
            "provider_assumed": self.assumed,
            **asdict(self.terms),
        }


def batch_factor(mode: str | None, tier: int, prices: UnitPrices, realtime: Mapping[int, UnitPrices]) -> float | None:
    """A batch price's share of the realtime one of the same tier, by its input, else by its output."""
    usual = realtime.get(tier)
    if mode != BATCH_MODE or usual is None:
        return None
    for ours, theirs in ((prices.input, usual.input), (prices.output, usual.output)):
        if ours is not None and theirs:
            return float(ours / theirs)
    return None


def stored_price(price: Decimal) -> Decimal:
    """A price as the table holds it: 12 decimals, rounded half to even."""
    return price.quantize(_LAST_DECIMAL, ROUND_HALF_EVEN)


# Prefixes that enumerations put before the word itself: SERVICE_TIER_FLEX, ON_DEMAND_PRIORITY.
TIER_PREFIX = "^(service_tier|traffic_type|on_demand)_?"
# Words for the tier that a call has when it names none; what was asked for as `auto` was served as something else.
USUAL_TIER_WORDS = ("", "default", "standard", "auto", "standard_only", "unspecified", "none", "null", "batch")


def service_tier_of(word: str | None) -> str | None:
    """The tier that a word names, None for the usual one; what SQL's macro of the same name says."""
    tier = re.sub(TIER_PREFIX, "", (word or "").strip().lower().replace("-", "_"))
    return None if tier in USUAL_TIER_WORDS else tier
