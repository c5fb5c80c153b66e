"""List prices from genai-prices, as shipped in its wheel: never fetched, never asked per call.

A service tier is priced from the day that the list has it verified from; the calls before, and those of a tier or a
region that it does not have, are priced without and say so. What its book knows and no call record says is left out:
pages, characters, hours and pixels. A model without any token price gives no rate, because "free" and "not known" look
alike there.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise

from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from controlsurface.money import price_rate
from controlsurface.money.model_names import ListedModel, find_listed_model
from controlsurface.money.price_rate import BATCH_MODE, REALTIME_MODE, Days, Hours, PriceRate, UnitPrices, stored_price
from controlsurface.money.provider_names import IMAGES_AS_TEXT

_Tiers = list[tuple[tuple[int, int | None], UnitPrices]]

_PER_THOUSAND = Decimal("0.001")


def list_rates(provider: str | None, model: str, service_tier: str | None = None) -> list[PriceRate]:
    """List prices of one model and service tier at any time; rows that do not overlap, or none where no list knows it.

    A row for batch and real time alike says that the list has no price for batch.
    """
    found = find_listed_model(provider, model)
    if found is None:
        return []
    return [rate for window in _windows(found.model) for rate in _rates_within(found, service_tier, *window)]


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


def _rates_within(found: ListedModel, service_tier: str | None, days: Days, hours: Hours) -> Iterator[PriceRate]:
    moment = datetime.combine(days[0] or date.min, hours[0] or time(), UTC)
    tier = _tier_context(found, service_tier, moment)
    realtime = _tiers(found, moment, tier)
    lists: list[tuple[str | None, _Tiers]] = [(None, realtime)]
    if _has(found, moment, "processing", BATCH_MODE):
        lists = [(REALTIME_MODE, realtime), (BATCH_MODE, _tiers(found, moment, tier | {"processing": BATCH_MODE}))]
    usual = {each[0]: prices for each, prices in realtime}
    more = (found.model.context_window, _unpriced(found, None if tier else service_tier), found.assumed)
    for mode, tiers in lists:
        for each, prices in tiers:
            share = price_rate.batch_factor(mode, each[0], prices, usual)
            yield PriceRate("genai-prices", mode, days, hours, each, prices, share, *more)


def _tier_context(found: ListedModel, service_tier: str | None, moment: datetime) -> dict[str, str]:
    """What to ask the list for the tier's price; nothing where no tier is named, or the list has none for it then."""
    for key in ("service_tier", "speed"):
        if service_tier and _has(found, moment, key, service_tier):
            return {key: service_tier}
    return {}


def _has(found: ListedModel, moment: datetime, key: str, value: str) -> bool:
    """Whether the provider's own list has a price for such calls at that moment."""
    return found.own and any(
        each.when == {key: value} and (each.constraint is None or each.constraint.active(moment))
        for each in found.model.price_variants or ()
    )


def _unpriced(found: ListedModel, service_tier: str | None) -> str | None:
    parts = {"service_tier": service_tier, "region": found.region}
    return ",".join(f"{name}={value}" for name, value in parts.items() if value) or None


def _tiers(found: ListedModel, moment: datetime, context: dict[str, str]) -> _Tiers:
    prices = found.model.get_prices(moment, context)
    tiered = [price for price in vars(prices).values() if isinstance(price, TieredPrices)]
    starts = sorted({tier.start + 1 for price in tiered for tier in price.tiers})
    images = found.provider.id in IMAGES_AS_TEXT
    tiers = [((start or 0, end), _prices(prices, start or 0, images)) for start, end in pairwise([None, *starts, None])]
    return [(tier, each) for tier, each in tiers if each.of_tokens]


def _prices(prices: ModelPrice, tokens: int, images_as_text: bool) -> UnitPrices:
    """The prices of a call with so many input tokens: crossing a tier reprices all of them."""
    image = prices.input_image_mtok
    return UnitPrices(
        input=_at(prices.input_mtok, tokens),
        cached_input=_at(prices.cache_read_mtok, tokens),
        cache_write=_at(prices.cache_write_mtok, tokens),
        cache_write_1h=_at(prices.cache_write_1h_mtok, tokens),
        audio_input=_at(prices.input_audio_mtok, tokens),
        cached_audio=_at(prices.cache_audio_read_mtok, tokens),
        image_input=_at(prices.input_mtok if images_as_text and image is None else image, tokens),
        output=_at(prices.output_mtok, tokens),
        reasoning=_at(prices.output_reasoning_mtok, tokens),
        audio_output=_at(prices.output_audio_mtok, tokens),
        image_output=_at(prices.output_image_mtok, tokens),
        request=_each(prices.requests_kcount, tokens) or Decimal(0),
        web_search=_each(prices.web_searches_kcount, tokens),
    )


def _each(price: Decimal | TieredPrices | None, tokens: int) -> Decimal | None:
    """A price for a thousand, for one."""
    thousand = _at(price, tokens)
    return None if thousand is None else stored_price(thousand * _PER_THOUSAND)


def _at(price: Decimal | TieredPrices | None, tokens: int) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return None if price is None else stored_price(price)
    crossed = [tier.price for tier in price.tiers if tokens > tier.start]
    return stored_price(crossed[-1] if crossed else price.base)
