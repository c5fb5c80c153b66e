"""List prices: equal to what genai-prices itself computes, for every model it knows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price, data_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TimeOfDateConstraint

from controlsurface.money import list_prices

pytestmark = pytest.mark.no_cover
LAST_DECIMAL = Decimal("0.5e-12")
TOKENS = [(1_000, 0, 0, 300), (40_000, 10_000, 5_000, 2_000), (250_000, 200_000, 0, 90), (1_000_000, 1, 1, 1)]
PARTS = {
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "audio_input_tokens": "input_audio_tokens",
    "cached_audio_tokens": "cache_audio_read_tokens",
    "image_input_tokens": "input_image_tokens",
    "audio_output_tokens": "output_audio_tokens",
    "image_output_tokens": "output_image_tokens",
    "web_searches": "web_searches",
}
USAGE = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")


def moments(model: ModelInfo) -> Iterator[datetime]:
    """Now, and both sides of every change of price."""
    yield datetime(2026, 11, 2, 12, tzinfo=UTC)
    conditions = [] if isinstance(model.prices, ModelPrice) else [each.constraint for each in model.prices]
    for each in (*conditions, *(variant.constraint for variant in model.price_variants or ())):
        if isinstance(each, StartDateConstraint):
            start = datetime(each.start_date.year, each.start_date.month, each.start_date.day, tzinfo=UTC)
            yield from (start, start - timedelta(microseconds=1))
        if isinstance(each, TimeOfDateConstraint):
            for bound in (each.start_time, each.end_time):
                at = datetime(2026, 11, 2, bound.hour, bound.minute, tzinfo=UTC)
                yield from (at, at - timedelta(microseconds=1))


def expected(call: dict[str, Any]) -> Decimal:
    cached, written = call["cached_tokens"], call["cache_write_tokens"]
    usage = Usage(
        input_tokens=call["input_tokens"],
        output_tokens=call["output_tokens"],
        cache_read_tokens=cached or None,
        cache_write_tokens=written or None,
        **{theirs: call[ours] for ours, theirs in PARTS.items() if call.get(ours) is not None},
    )
    context = {"processing": "batch"} if call["mode"] == "batch" else {}
    found = calc_price(
        usage,
        call["model_raw"],
        provider_id=call["provider"],
        genai_request_timestamp=call["started_at"],
        price_context=context | ({"service_tier": tier} if (tier := call.get("service_tier")) else {}),
    )
    return found.total_price


def texts(match: Any) -> Iterator[str]:
    """The names a model's matching rule speaks of."""
    for value in vars(match).values():
        yield from [value] if isinstance(value, str) else [text for each in value for text in texts(each)]


def reference(provider: Provider, model: ModelInfo) -> str | None:
    """A name under which the library finds this very model; its id is not always one."""
    names = (name for name in (model.id, *texts(model.match)) if provider.find_model(name) is model)
    return next(names, None)


def grid(provider: str, model: str) -> Iterator[dict[str, Any]]:
    """Calls of one model: sizes around the tiers, times around the changes, both modes."""
    silent = all(rate.prices.output is None for rate in list_prices.list_rates(provider, model))
    for i, at in enumerate(moments(calc_price(Usage(), model, provider_id=provider).model)):
        for mode in ("realtime", "batch"):
            for sizes in TOKENS[1:2] if i else TOKENS:
                tokens = dict(zip(USAGE, sizes, strict=True)) | ({"output_tokens": 0} if silent else {})
                yield {"provider": provider, "model_raw": model, "mode": mode, "started_at": at} | tokens


PROVIDERS = data_snapshot.get_snapshot().providers


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda each: each.id)
def test_every_listed_model_costs_what_its_own_library_says(till: Any, provider: Provider) -> None:
    names = [reference(provider, model) for model in provider.models]
    calls = [each for name in names if name for each in grid(provider.id, name)]
    for call, (cost, source) in zip(calls, till(calls), strict=True):
        if source is None:
            assert expected(call) == 0, call  # no price for text tokens: theirs is 0, ours is unknown
        else:
            assert abs(cost - expected(call)) <= max(LAST_DECIMAL, Decimal("1e-9") * expected(call)), call


# What a price may name besides plain tokens, and a call that has it.
ROOM = {"input_tokens": 9_000, "cached_tokens": 2_000, "cache_write_tokens": 1_000, "output_tokens": 3_000}
DIMENSIONS = {
    "cache_write_1h_mtok": {"cache_write_1h_tokens": 400},
    "input_audio_mtok": {"audio_input_tokens": 3_000, "cached_audio_tokens": 500},
    "input_image_mtok": {"image_input_tokens": 700, "cached_tokens": 0},
    "output_audio_mtok": {"audio_output_tokens": 900},
    "output_image_mtok": {"image_output_tokens": 900},
    "web_searches_kcount": {"web_searches": 3},
}


def named(model: ModelInfo) -> set[str]:
    """The prices that a model has at any time."""
    lists = [model.prices] if isinstance(model.prices, ModelPrice) else [each.prices for each in model.prices]
    return {key for each in lists for key, price in vars(each).items() if price is not None}


def test_every_dimension_that_a_list_prices_costs_what_the_library_says(till: Any) -> None:
    noon: dict[str, Any] = {"mode": None, "started_at": datetime(2026, 11, 2, 12, tzinfo=UTC)}
    calls = [
        noon
        | {"provider": provider.id, "model_raw": name}
        | (ROOM | ({} if "cache_write_mtok" in named(model) else {"cache_write_tokens": 0}))
        | (DIMENSIONS[key] | ({} if key != "input_audio_mtok" or "cache_audio_read_mtok" in named(model) else NO_CACHE))
        for provider in PROVIDERS
        for model in provider.models
        if "output_mtok" in named(model) and (name := reference(provider, model))
        for key in DIMENSIONS.keys() & named(model)
    ]
    assert len(calls) > 150
    for call, (cost, _) in zip(calls, till(calls), strict=True):
        assert cost is not None, call
        assert abs(cost - expected(call)) <= LAST_DECIMAL, call


NO_CACHE = {"cached_tokens": 0, "cached_audio_tokens": 0}


def tiers(model: ModelInfo) -> Iterator[tuple[str, datetime]]:
    """The service tiers of a model, and the first moment at which the list knows their price."""
    for each in model.price_variants or ():
        if {*each.when} == {"service_tier"}:
            day = each.constraint.start_date if isinstance(each.constraint, StartDateConstraint) else date(2024, 1, 1)
            yield each.when["service_tier"], datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_every_service_tier_costs_what_the_library_says_from_the_day_it_was_verified(till: Any) -> None:
    calls = [
        {"provider": provider.id, "model_raw": name, "mode": None, "service_tier": tier, "started_at": at}
        | dict(zip(USAGE, TOKENS[0], strict=True))
        for provider in PROVIDERS
        for model in provider.models
        if (name := reference(provider, model))
        for tier, at in tiers(model)
        if tier != "default"
    ]
    assert len(calls) > 60
    for call, (cost, _) in zip(calls, till(calls), strict=True):
        assert abs(cost - expected(call)) <= LAST_DECIMAL, call


def test_listed_models_but_a_few_can_be_named() -> None:
    unnamed = [model.id for each in PROVIDERS for model in each.models if reference(each, model) is None]
    assert len(unnamed) < 10, unnamed
