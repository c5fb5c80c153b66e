"""One row of prices: what a model costs between two dates, two times of day and two prompt sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import ROUND_HALF_EVEN, Decimal

BATCH = "batch"
REALTIME = "realtime"
_LAST_DECIMAL = Decimal("1e-12")

Days = tuple[date | None, date | None]
Hours = tuple[time | None, time | None]


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per million tokens, and per request; None: no such price is known.

    Cached, cache-write and reasoning tokens without a price of their own are billed as input and output.
    """

    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    request: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rate:
    """Prices and the calls they hold for: upper bounds are exclusive, None is unbounded.

    `mode` None holds for realtime and batch alike; days and hours are UTC; tiers count input tokens of a call.
    `batch_factor` is the price in batch as a share of the one in real time, where both are known.
    """

    source: str
    mode: str | None
    days: Days
    hours: Hours
    tier: tuple[int, int | None]
    prices: Prices
    batch_factor: float | None = None
    context_window: int | None = None

    def row(self) -> dict[str, object]:
        """The columns of table `prices`, without provider and model."""
        return {
            "source": self.source,
            "mode": self.mode,
            **dict(zip(("valid_from", "valid_to"), self.days, strict=True)),
            **dict(zip(("time_from", "time_to"), self.hours, strict=True)),
            **dict(zip(("tier_from", "tier_to"), self.tier, strict=True)),
            "input_usd_per_mtok": self.prices.input,
            "cached_input_usd_per_mtok": self.prices.cached_input,
            "cache_write_usd_per_mtok": self.prices.cache_write,
            "output_usd_per_mtok": self.prices.output,
            "reasoning_usd_per_mtok": self.prices.reasoning,
            "request_usd": self.prices.request,
            "batch_factor": self.batch_factor,
            "context_window": self.context_window,
        }


def batch_factor(mode: str | None, tier: int, prices: Prices, realtime: Mapping[int, Prices]) -> float | None:
    """A batch price's share of the realtime one of the same tier, by its input, else by its output."""
    usual = realtime.get(tier)
    if mode != BATCH or usual is None:
        return None
    for ours, theirs in ((prices.input, usual.input), (prices.output, usual.output)):
        if ours is not None and theirs:
            return float(ours / theirs)
    return None


def stored(price: Decimal) -> Decimal:
    """A price as the table holds it: 12 decimals, rounded half to even."""
    return price.quantize(_LAST_DECIMAL, ROUND_HALF_EVEN)
