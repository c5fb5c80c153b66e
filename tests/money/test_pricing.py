"""What a call costs: each token billed once, unknown never zero, and whose price is trusted first."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from controlsurface.money.price_book import PriceBook
from tests.example_batches import check_together

# Prices chosen so that every kind of token leaves its own mark in the sum.
MARKED = PriceBook.model_validate(
    {"price": [{"model": "m", "input": 1000, "cached_input": 100, "cache_write": 2000, "output": 1, "reasoning": 3}]}
)
PLAIN = PriceBook.model_validate({"price": [{"model": "m", "input": "0.15", "output": "0.6"}]})


def call(**values: Any) -> dict[str, Any]:
    return {"model_raw": "m"} | values


def test_cached_and_reasoning_tokens_are_billed_once(till: Any) -> None:
    used = call(input_tokens=104, cached_tokens=64, output_tokens=90, reasoning_tokens=50)
    (marked, _), (plain, _) = till([used], MARKED) + till([used], PLAIN)
    assert marked == Decimal(40 * 1000 + 64 * 100 + 40 * 1 + 50 * 3) / 1_000_000
    assert plain == (104 * Decimal("0.15") + 90 * Decimal("0.6")) / 1_000_000


def test_cache_writes_have_their_own_price_inside_the_input(till: Any) -> None:
    [(cost, _)] = till([call(input_tokens=10, cached_tokens=3, cache_write_tokens=2, output_tokens=0)], MARKED)
    assert cost == Decimal(5 * 1000 + 3 * 100 + 2 * 2000) / 1_000_000


def test_missing_tokens_are_an_unknown_cost(till: Any) -> None:
    unknown = [call(), call(input_tokens=5), call(output_tokens=5)]
    assert till(unknown, PLAIN) == [(None, None)] * 3


def test_token_parts_larger_than_the_whole_are_an_unknown_cost_where_they_matter(till: Any) -> None:
    wrong = [
        call(input_tokens=5, cached_tokens=6, output_tokens=1),
        call(input_tokens=5, cached_tokens=3, cache_write_tokens=3, output_tokens=1),
        call(input_tokens=5, output_tokens=1, reasoning_tokens=2),
        call(input_tokens=5, cached_tokens=-(2**63), cache_write_tokens=1, output_tokens=1),
        call(input_tokens=-5, output_tokens=1),
    ]
    assert till(wrong, MARKED) == [(None, None)] * 5
    assert till(wrong[:1], PLAIN) == [(Decimal("0.00000135"), "user")]


def test_a_price_of_zero_is_a_price_when_the_user_states_it(till: Any) -> None:
    free = PriceBook.model_validate({"price": [{"model": "m", "input": 0, "output": 0}]})
    assert till([call(input_tokens=5, output_tokens=5)], free) == [(0, "user")]


def test_a_price_per_request_alone_makes_tokens_free(till: Any) -> None:
    flat = PriceBook.model_validate({"price": [{"model": "m", "request": "0.01"}]})
    assert till([call(input_tokens=5, output_tokens=5)], flat) == [(Decimal("0.01"), "user")]


def test_tokens_without_any_price_for_them_make_the_call_unpriced(till: Any) -> None:
    embedding = PriceBook.model_validate({"price": [{"model": "m", "input": 1}]})
    assert [cost for cost, _ in till([call(input_tokens=2), call(input_tokens=2, output_tokens=1)], embedding)] == [
        Decimal("0.000002"),
        None,
    ]


def test_the_users_price_is_trusted_before_the_span_and_the_span_before_the_list(till: Any) -> None:
    used = {"model_raw": "gpt-4o-mini", "provider": "openai", "input_tokens": 1000, "output_tokens": 0}
    own = PriceBook.model_validate({"price": [{"model": "gpt-4o-mini", "input": 1, "output": 1}]})
    calls = [used | {"span_cost_usd": 0.5}]
    assert till(calls, own) + till(calls) + till([used]) == [
        (Decimal("0.001"), "user"),
        (Decimal("0.5"), "span"),
        (Decimal("0.00015"), "genai-prices"),
    ]


def test_a_span_that_says_zero_or_nonsense_is_not_believed(till: Any) -> None:
    said = [0.0, -1.0, float("nan"), float("inf"), 1e9]
    assert till([call(input_tokens=1, output_tokens=1, span_cost_usd=cost) for cost in said]) == [(None, None)] * 5


def test_a_failed_call_is_owed_what_it_used_and_unknown_when_it_does_not_say(till: Any) -> None:
    calls = [call(failed=True, input_tokens=10, output_tokens=0), call(failed=True)]
    assert till(calls, PLAIN) == [(Decimal("0.0000015"), "user"), (None, None)]


def test_a_price_change_holds_from_midnight_utc(till: Any) -> None:
    rows = [
        {"model": "m", "input": 1, "valid_to": "2026-07-01"},
        {"model": "m", "input": 2, "valid_from": "2026-07-01"},
    ]
    times = [datetime(2026, 6, 30, 23, 59, 59, 999999, UTC), datetime(2026, 7, 1, tzinfo=UTC), None]
    calls = [call(started_at=at, input_tokens=1_000_000) for at in times]
    assert [cost for cost, _ in till(calls, PriceBook.model_validate({"price": rows}))] == [1, 2, None]


def test_a_batch_call_pays_the_batch_price_and_everything_else_the_usual_one(till: Any) -> None:
    used = {"model_raw": "gpt-4o-mini", "provider": "openai", "input_tokens": 1_000_000, "output_tokens": 0}
    costs = [cost for cost, _ in till([used | {"mode": mode} for mode in ("batch", "realtime", None)])]
    assert costs == [Decimal("0.075"), Decimal("0.15"), Decimal("0.15")]


FLEX = {"model_raw": "gpt-5-mini", "provider": "openai", "input_tokens": 1_000_000, "output_tokens": 0}


def test_a_service_tier_has_its_price_from_the_day_that_the_list_verified_it(receipts: Any) -> None:
    days = [datetime(2026, 10, 11, 23, 59, tzinfo=UTC), datetime(2026, 10, 12, tzinfo=UTC)]
    before, after = receipts([FLEX | {"service_tier": "flex", "started_at": at} for at in days])
    assert (before["cost_usd"], before["unpriced_parts"]) == (Decimal("0.25"), "service_tier=flex")
    assert (after["cost_usd"], after["unpriced_parts"]) == (Decimal("0.125"), None)


def test_a_batch_for_which_the_list_has_no_price_says_so(receipts: Any) -> None:
    nova = {"model_raw": "amazon.nova-lite-v1:0", "provider": "aws", "input_tokens": 1_000_000, "output_tokens": 0}
    known, unknown = receipts([FLEX | {"mode": "batch"}, nova | {"mode": "batch"}])
    assert (known["cost_usd"], known["unpriced_parts"], known["batch_saving_usd"]) == (
        *(Decimal("0.125"), None),
        known["cost_usd"],
    )
    assert (unknown["unpriced_parts"], unknown["batch_saving_usd"]) == ("mode=batch", None)


def test_image_tokens_are_text_where_the_list_is_known_to_mean_that(receipts: Any) -> None:
    seen = {"input_tokens": 1000, "cached_tokens": 900, "image_input_tokens": 800, "output_tokens": 0}
    gemini, grok = receipts(
        [
            {"provider": "gcp.gemini", "model_raw": "gemini-2.5-flash"} | seen,
            {"provider": "x_ai", "model_raw": "grok-4"} | seen,
        ]
    )
    assert (gemini["cost_usd"], gemini["unpriced_parts"]) == (Decimal("0.000057"), None)
    assert grok["unpriced_parts"] == "image_input"


def test_uncounted_cached_audio_is_as_little_as_can_be_and_named(receipts: Any) -> None:
    heard = {"provider": "openai", "model_raw": "gpt-realtime", "output_tokens": 0, "audio_input_tokens": 800}
    apart, must = receipts(
        [heard | {"input_tokens": 1000, "cached_tokens": 200}, heard | {"input_tokens": 1000, "cached_tokens": 300}]
    )
    assert (apart["cost_usd"], must["cost_usd"]) == (Decimal("0.02568"), Decimal("0.02252"))
    assert apart["unpriced_parts"] == must["unpriced_parts"] == "cached_audio"


def test_the_users_row_for_a_tier_goes_before_one_for_all_of_them(receipts: Any) -> None:
    rows = [{"model": "m", "input": 2, "output": 2}, {"model": "m", "input": 1, "output": 1, "service_tier": "flex"}]
    book = PriceBook.model_validate({"price": rows})
    used = [call(input_tokens=1_000_000, output_tokens=0, service_tier=tier) for tier in ("flex", "priority", None)]
    assert [(each["cost_usd"], each["unpriced_parts"]) for each in receipts(used, book)] == [
        (1, None),
        (2, None),
        (2, None),
    ]


def test_the_users_row_without_a_price_for_audio_leaves_audio_out_by_name(receipts: Any) -> None:
    heard = call(input_tokens=1_000_000, audio_input_tokens=500_000, output_tokens=0, web_searches=4)
    full = {"model": "m", "input": 1, "output": 1, "audio_input": 3, "web_search": 10}
    books = [PriceBook.model_validate({"price": [row]}) for row in ({"model": "m", "input": 1, "output": 1}, full)]
    (less,), (whole,) = (receipts([heard], book) for book in books)
    assert (less["cost_usd"], less["unpriced_parts"]) == (1, "audio_input,web_search")
    assert (whole["cost_usd"], whole["unpriced_parts"]) == (Decimal("2.04"), None)


def test_hour_long_cache_writes_are_all_that_was_written_where_no_total_is_given(receipts: Any) -> None:
    book = PriceBook.model_validate(
        {"price": [{"model": "m", "input": 1, "cache_write": 2, "cache_write_1h": 4, "output": 0}]}
    )
    (one,) = receipts([call(input_tokens=1_000_000, cache_write_1h_tokens=500_000, output_tokens=0)], book)
    assert one["cost_usd"] == Decimal("2.5")


def test_costs_are_rounded_half_to_even_at_the_last_place(till: Any) -> None:
    tiny = PriceBook.model_validate({"price": [{"model": "m", "input": "0.0000005", "output": 0}]})
    costs = [cost for cost, _ in till([call(input_tokens=n, output_tokens=0) for n in (1, 3, 5)], tiny)]
    assert costs == [Decimal(0), Decimal("2e-12"), Decimal("2e-12")]


def test_absurd_token_counts_are_unknown_and_harm_no_other_call(till: Any) -> None:
    calls = [call(input_tokens=2**63 - 1, output_tokens=2**63 - 1), call(input_tokens=1, output_tokens=0)]
    assert [cost for cost, _ in till(calls, MARKED)] == [None, Decimal("0.001")]


TIMES = (datetime(2024, 1, 1), datetime(2027, 1, 1))  # noqa: DTZ001  hypothesis adds no zone itself
count = st.one_of(st.none(), st.integers(0, 100_000))
calls = st.fixed_dictionaries(
    {
        "model_raw": st.sampled_from(["m", "gpt-4o-mini", "nobody"]),
        "mode": st.sampled_from([None, "batch", "realtime"]),
        "started_at": st.none() | st.datetimes(TIMES[0], TIMES[1]),
        "input_tokens": count,
        "cached_tokens": count,
        "output_tokens": count,
        "reasoning_tokens": count,
        "span_cost_usd": st.one_of(st.none(), st.floats()),
    }
)


def test_cost_is_never_negative_and_adds_up_over_calls_however_they_are_grouped(till: Any) -> None:
    check_together(st.lists(calls, max_size=6), lambda lists: each_call_costs_what_it_costs_alone(till, lists))


def each_call_costs_what_it_costs_alone(till: Any, lists: list[list[Any]]) -> None:
    several = [one for each in lists for one in each]
    together = till(several, MARKED)
    assert together == [receipt for each in lists for receipt in till(each, MARKED)]
    assert together[:10] == [receipt for one in several[:10] for receipt in till([one], MARKED)]
    assert all(cost is None or cost >= 0 for cost, _ in together)
    assert all((cost is None) == (source is None) for cost, source in together)
