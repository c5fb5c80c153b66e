"""The law of parts: each token is billed once, and what a cost is made of never exceeds it."""

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controlsurface.money.price_rate import PriceRate, UnitPrices
from controlsurface.money.price_table import PRICE_ATTEMPTS_SQL, PRICE_SCHEMA
from controlsurface.store.duckdb import DuckStore
from tests.money.conftest import CALLS, EDITION, full

LAST = Decimal("1e-12")
MILLION = 1_000_000
price = st.decimals(0, 200, places=6, allow_nan=False).map(Decimal)
maybe = st.none() | price
some = st.integers(0, 50_000)
price_lists = st.builds(
    UnitPrices,
    input=price,
    cached_input=maybe,
    cache_write=maybe,
    cache_write_1h=maybe,
    audio_input=maybe,
    cached_audio=maybe,
    image_input=maybe,
    output=price,
    reasoning=maybe,
    audio_output=maybe,
    image_output=maybe,
    request=st.decimals(0, 1, places=6, allow_nan=False).map(Decimal),
    web_search=st.none() | st.decimals(0, 1, places=6, allow_nan=False).map(Decimal),
)
# How many tokens are of each kind and of no other: a call is made of these, so that its counts fit together.
KINDS = "fresh cached written_5m written_1h audio cached_audio image text reasoning audio_out image_out".split()
kinds = st.fixed_dictionaries(dict.fromkeys(KINDS, some) | {"searches": st.integers(0, 5)})


def call_of(kind: dict[str, int]) -> dict[str, Any]:
    """The counts that a sender would report of those kinds."""
    written = kind["written_5m"] + kind["written_1h"]
    cached, audio = kind["cached"] + kind["cached_audio"], kind["audio"] + kind["cached_audio"]
    return {
        "model_raw": "m",
        "input_tokens": kind["fresh"] + cached + written + kind["audio"] + kind["image"],
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": kind["written_1h"],
        "audio_input_tokens": audio,
        "cached_audio_tokens": kind["cached_audio"],
        "image_input_tokens": kind["image"],
        "output_tokens": kind["text"] + kind["reasoning"] + kind["audio_out"] + kind["image_out"],
        "reasoning_tokens": kind["reasoning"],
        "audio_output_tokens": kind["audio_out"],
        "image_output_tokens": kind["image_out"],
        "web_searches": kind["searches"],
    }


def first(*prices: Decimal | None) -> Decimal:
    """The first price that there is."""
    return next(each for each in prices if each is not None)


def bill(kind: dict[str, int], list_: UnitPrices) -> dict[str, Decimal]:
    """What each kind costs, exactly, by the rules that the documentation gives."""
    fresh, out = first(list_.input), first(list_.output)
    written = first(list_.cache_write, fresh)
    each = {
        "fresh": fresh,
        "cached": first(list_.cached_input, fresh),
        "written_5m": written,
        "written_1h": first(list_.cache_write_1h, written),
        "audio": first(list_.audio_input, fresh),
        "cached_audio": first(list_.cached_audio, list_.cached_input, fresh),
        "image": first(list_.image_input, fresh),
        "text": out,
        "reasoning": first(list_.reasoning, out),
        "audio_out": first(list_.audio_output, out),
        "image_out": first(list_.image_output, out),
    }
    costs = {name: kind[name] * usd / MILLION for name, usd in each.items()}
    return costs | {"request": list_.request, "searches": kind["searches"] * (list_.web_search or Decimal(0))}


def missing(kind: dict[str, int], list_: UnitPrices) -> set[str]:
    """Which parts the list has no price for."""
    heard = kind["audio"] + kind["cached_audio"]
    gaps = {
        "cache_write_1h": kind["written_1h"] and list_.cache_write_1h is None and list_.cache_write is not None,
        "audio_input": heard and list_.audio_input is None,
        "cached_audio": kind["cached_audio"] and list_.cached_audio is None and list_.audio_input is not None,
        "image_input": kind["image"] and list_.image_input is None,
        "cached_image": kind["image"]
        and kind["cached"] + kind["cached_audio"]
        and list_.image_input not in {None, list_.input},
        "audio_output": kind["audio_out"] and list_.audio_output is None,
        "image_output": kind["image_out"] and list_.image_output is None,
        "web_search": kind["searches"] and list_.web_search is None,
    }
    return {name for name, gap in gaps.items() if gap}


def priced(store: DuckStore, call: dict[str, Any], list_: UnitPrices) -> dict[str, Any]:
    rate = PriceRate("user", None, (None, None), (None, None), (0, None), list_)
    row = {"provider": None, "model": "m", "service_tier": None, "edition": EDITION, **rate.row()}
    with store.writing() as writing:
        writing.execute("DELETE FROM prices")
        writing.attach("resolved", pa.Table.from_pylist([row], PRICE_SCHEMA))
        writing.execute("INSERT INTO prices BY NAME SELECT * FROM resolved")
        writing.attach("new_attempts", pa.Table.from_pylist([full(0, call)], CALLS))
        return dict(writing.rows(PRICE_ATTEMPTS_SQL).to_pylist()[0])


search = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@search
@given(kinds, price_lists)
def test_a_cost_is_the_sum_of_its_parts_to_the_last_digit(
    store: DuckStore, kind: dict[str, int], list_: UnitPrices
) -> None:
    costs, call = bill(kind, list_), priced(store, call_of(kind), list_)
    assert call["cost_usd"] == sum(costs.values(), Decimal(0)).quantize(LAST, ROUND_HALF_EVEN)
    assert {*filter(None, (call["unpriced_parts"] or "").split(","))} == missing(kind, list_)
    parts = {
        "cached_usd": costs["cached"] + costs["cached_audio"],
        "output_usd": costs["text"] + costs["reasoning"] + costs["audio_out"] + costs["image_out"],
        "reasoning_usd": costs["reasoning"],
    }
    for name, part in parts.items():
        assert abs(call[name] - part) <= LAST, name


anything = st.none() | st.integers(-5, 3000)
COUNTS = call_of(dict.fromkeys((*KINDS, "searches"), 0)).keys() - {"model_raw", "web_searches"}


@search
@given(st.fixed_dictionaries(dict.fromkeys(sorted(COUNTS), anything)), price_lists)
def test_the_parts_of_a_cost_never_exceed_it_whatever_was_sent(
    store: DuckStore, counts: dict[str, Any], list_: UnitPrices
) -> None:
    call = priced(store, {"model_raw": "m"} | counts, list_)
    if call["cost_usd"] is None:
        assert (call["cached_usd"], call["output_usd"], call["unpriced_parts"]) == (None, None, None)
    else:
        assert 0 <= call["reasoning_usd"] <= call["output_usd"]
        assert 0 <= call["cached_usd"] <= call["cost_usd"] - call["output_usd"]


def test_contradicted_tokens_are_priced_by_the_request_or_the_span_alone(store: DuckStore) -> None:
    call = {"model_raw": "m", "input_tokens": 10, "output_tokens": 5, "token_counting": "contradicted"}
    tokens = UnitPrices(input=Decimal(1), output=Decimal(1), request=Decimal("0.01"))
    flat = replace(tokens, input=Decimal(0), output=Decimal(0))
    assert priced(store, call, tokens)["cost_usd"] is None
    assert priced(store, call, flat)["cost_usd"] == Decimal("0.01")
    assert priced(store, call | {"span_cost_usd": 0.5}, tokens)["cost_source"] == "span"
