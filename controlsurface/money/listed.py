"""List prices from genai-prices, as shipped in its wheel: never fetched, never asked per call.

What its book knows and a call record does not say is left out: audio, images, pages, searches, service tiers
(priority, flex) and one-hour cache writes. A model without any token price gives no rate, because "free" and
"not known" look alike there.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise

from genai_prices import Usage, calc_price
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    PriceCalculation,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from controlsurface.money.rate import BATCH, REALTIME, Days, Hours, Prices, Rate, batch_factor, stored

_BATCH_CONTEXT = {"processing": "batch"}
_PER_THOUSAND = Decimal("0.001")


def rates(provider: str | None, model: str) -> list[Rate]:
    """List prices of one model at any time; rows that do not overlap, or none where the book does not know it."""
    found = _find(provider, model)
    if found is None:
        return []
    return [rate for window in _windows(found.model) for rate in _rates_within(found, *window)]


def _find(provider: str | None, model: str) -> PriceCalculation | None:
    for each_provider, each_model in _spellings(provider, model):
        try:
            return calc_price(Usage(), each_model, provider_id=each_provider)
        except LookupError:
            continue
    return None


def _spellings(provider: str | None, model: str) -> Iterator[tuple[str | None, str]]:
    """As sent; then with the provider's name dashed as the book has it, and without a provider prefix on the model."""
    if not provider:
        yield ("litellm" if "/" in model else None), model  # the library's own way to read `provider/model`
        return
    for name in dict.fromkeys((provider, provider.replace("_", "-"))):
        for each in dict.fromkeys((model, model.rpartition("/")[2])):
            yield name, each


def _windows(model: ModelInfo) -> Iterator[tuple[Days, Hours]]:
    """The spans of days, times hours of day, within which no price of the model changes."""
    conditions = [] if isinstance(model.prices, ModelPrice) else [each.constraint for each in model.prices]
    conditions += [each.constraint for each in model.price_variants or ()]
    dates = {each.start_date for each in conditions if isinstance(each, StartDateConstraint)}
    daily = [each for each in conditions if isinstance(each, TimeOfDateConstraint)]
    hours = {bound.replace(tzinfo=None) for each in daily for bound in (each.start_time, each.end_time)}
    for days in pairwise([None, *sorted(dates), None]):
        for part in pairwise([None, *sorted(hours - {time()}), None]):
            yield days, part


def _rates_within(found: PriceCalculation, days: Days, hours: Hours) -> list[Rate]:
    moment = datetime.combine(days[0] or date.min, hours[0] or time(), UTC)
    realtime = _tiers(found.model.get_prices(moment))
    batch = _tiers(found.model.get_prices(moment, _batch_context(found)))
    lists = [(None, realtime)] if realtime == batch else [(REALTIME, realtime), (BATCH, batch)]
    usual = {tier[0]: prices for tier, prices in realtime}
    return [
        Rate(
            "genai-prices",
            mode,
            days,
            hours,
            tier,
            prices,
            batch_factor(mode, tier[0], prices, usual),
            found.model.context_window,
        )
        for mode, tiers in lists
        for tier, prices in tiers
    ]


def _batch_context(found: PriceCalculation) -> dict[str, str] | None:
    """Batch prices hold only where the provider itself lists the model, as the library has it."""
    own = any(each is found.model for each in found.provider.models)
    return _BATCH_CONTEXT if own else None


def _tiers(prices: ModelPrice) -> list[tuple[tuple[int, int | None], Prices]]:
    tiered = [price for price in vars(prices).values() if isinstance(price, TieredPrices)]
    starts = sorted({tier.start + 1 for price in tiered for tier in price.tiers})
    tiers = [((start or 0, end), _prices(prices, start or 0)) for start, end in pairwise([None, *starts, None])]
    return [(tier, each) for tier, each in tiers if each != Prices(request=each.request)]


def _prices(prices: ModelPrice, input_tokens: int) -> Prices:
    return Prices(
        input=_at(prices.input_mtok, input_tokens),
        cached_input=_at(prices.cache_read_mtok, input_tokens),
        cache_write=_at(prices.cache_write_mtok, input_tokens),
        output=_at(prices.output_mtok, input_tokens),
        reasoning=_at(prices.output_reasoning_mtok, input_tokens),
        request=stored((_at(prices.requests_kcount, input_tokens) or Decimal(0)) * _PER_THOUSAND),
    )


def _at(price: Decimal | TieredPrices | None, input_tokens: int) -> Decimal | None:
    """The price of every token of a call with so many input tokens: crossing a tier reprices all of them."""
    if price is None or isinstance(price, Decimal):
        return price and stored(price)
    crossed = [tier.price for tier in price.tiers if input_tokens > tier.start]
    return stored(crossed[-1] if crossed else price.base)
