"""A ledger of a few dozen calls with all that a price can depend on, reckoned here by hand, to the last digit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import product
from typing import Any

from controlsurface.money.price_book import PriceBook

M = 1_000_000
RATES = {"input": "3", "output": "15"}
PARTS = {
    "cached_input": "0.3",
    "cache_write": "3.75",
    "cache_write_1h": "6",
    "reasoning": "20",
    "audio_input": "10",
    "cached_audio": "1",
    "audio_output": "40",
    "image_input": "4",
    "image_output": "50",
    "web_search": "10",
    "request": "0.0005",
}
BOOK = PriceBook.model_validate(
    {
        "price": [
            {"model": "full", **RATES, **PARTS},
            {"model": "full", "input": "6", "cached_input": "0.6", "output": "22.5", "tier_from": 200_000},
            {"model": "full", "input": "1.5", "output": "7.5", "service_tier": "flex"},
            {"model": "full", "input": "1.2", "output": "7", "mode": "batch"},
            {"model": "dated", "input": "1", "output": "2", "valid_to": "2026-11-02"},
            {"model": "dated", "input": "1.000000000001", "output": "2", "valid_from": "2026-11-02"},
            {"model": "plain", **RATES},
            {"model": "gratis", "input": "0", "output": "0"},
            {"model": "euro", "input": "2.5", "output": "10", "cached_input": "0.25", "currency": "EUR"},
            {"model": "pound", "input": "2", "output": "8", "currency": "GBP"},
            {"model": "own-*", "hardware": "gpus"},
            {"model": "rented", "hardware": "rented"},
        ],
        "hardware": [
            {"name": "gpus", "gpu_hour": "2.10", "gpus": 4, "concurrency": 16, "valid_from": "2026-11-01"},
            {"name": "rented", "gpu_hour": "1.7", "gpus": 1, "concurrency": 3, "currency": "EUR"},
        ],
        "exchange": [
            {"currency": "EUR", "usd": "1.08", "valid_from": "2026-01-01", "valid_to": "2026-11-02"},
            {"currency": "EUR", "usd": "1.10001", "valid_from": "2026-11-02"},
        ],
    }
)
BEFORE, AFTER = datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
LONG_AGO = datetime(2025, 6, 1, tzinfo=UTC)


def usd(number: Decimal | str | int) -> Decimal:
    """Rounded half to even at the last digit that is stored."""
    return Decimal(number).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)


def mtok(*terms: tuple[int, str]) -> Decimal:
    """Tokens times their price for a million."""
    return sum((tokens * Decimal(price) for tokens, price in terms), Decimal(0)) / M


# What each call says, what it costs, and what no price covers.
LEDGER: list[tuple[dict[str, Any], Decimal | None, str | None]] = [
    # every token once, each kind at its own price, and the request
    ({"model_raw": "full", "input_tokens": 0, "output_tokens": 0}, usd("0.0005"), None),
    ({"model_raw": "full", "input_tokens": 1, "output_tokens": 1}, usd("0.000518"), None),
    (
        {"model_raw": "full", "input_tokens": 900, "cached_tokens": 400, "output_tokens": 70},
        usd("0.0005") + mtok((500, "3"), (400, "0.3"), (70, "15")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 900, "cache_write_tokens": 300, "cache_write_1h_tokens": 100}
        | {"output_tokens": 0},
        usd("0.0005") + mtok((600, "3"), (200, "3.75"), (100, "6")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 900, "cached_tokens": 111, "cache_write_tokens": 222}
        | {"cache_write_1h_tokens": 222, "output_tokens": 33, "reasoning_tokens": 21},
        usd("0.0005") + mtok((567, "3"), (111, "0.3"), (222, "6"), (12, "15"), (21, "20")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 1000, "audio_input_tokens": 800, "output_tokens": 50}
        | {"audio_output_tokens": 40},
        usd("0.0005") + mtok((200, "3"), (800, "10"), (10, "15"), (40, "40")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 1000, "audio_input_tokens": 800, "cached_tokens": 300}
        | {"cached_audio_tokens": 250, "output_tokens": 0},
        usd("0.0005") + mtok((150, "3"), (50, "0.3"), (550, "10"), (250, "1")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 1000, "image_input_tokens": 600, "output_tokens": 90}
        | {"image_output_tokens": 80},
        usd("0.0005") + mtok((400, "3"), (600, "4"), (10, "15"), (80, "50")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 10, "output_tokens": 10, "web_searches": 3},
        usd("0.0305") + mtok((10, "3"), (10, "15")),
        None,
    ),
    # the tier of a long prompt prices all of it
    ({"model_raw": "full", "input_tokens": 199_999, "output_tokens": 1}, usd("0.0005") + usd("0.600012"), None),
    ({"model_raw": "full", "input_tokens": 200_000, "output_tokens": 1}, usd("1.2000225"), None),
    (
        {"model_raw": "full", "input_tokens": 250_000, "cached_tokens": 100_000, "output_tokens": 4},
        mtok((150_000, "6"), (100_000, "0.6"), (4, "22.5")),
        None,
    ),
    # service tiers and batch
    (
        {"model_raw": "full", "input_tokens": 1001, "output_tokens": 11, "service_tier": "flex"},
        mtok((1001, "1.5"), (11, "7.5")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 1001, "output_tokens": 11, "service_tier": "priority"},
        usd("0.0005") + mtok((1001, "3"), (11, "15")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 1001, "output_tokens": 11, "mode": "batch"},
        mtok((1001, "1.2"), (11, "7")),
        None,
    ),
    (
        {"model_raw": "full", "input_tokens": 1001, "output_tokens": 11, "mode": "batch", "audio_input_tokens": 1},
        mtok((1001, "1.2"), (11, "7")),
        "audio_input",
    ),
    # a price that changes at midnight, UTC, in its last digit
    ({"model_raw": "dated", "input_tokens": M, "output_tokens": 0, "started_at": BEFORE}, usd(1), None),
    ({"model_raw": "dated", "input_tokens": M, "output_tokens": 0, "started_at": AFTER}, usd("1.000000000001"), None),
    ({"model_raw": "dated", "input_tokens": 500_000, "output_tokens": 0, "started_at": AFTER}, usd("0.5"), None),
    (
        {"model_raw": "dated", "input_tokens": 1_500_000, "output_tokens": 0, "started_at": AFTER},
        usd("1.500000000002"),
        None,
    ),
    ({"model_raw": "dated", "input_tokens": 1, "output_tokens": 1, "started_at": None}, None, None),
    # parts without a price of their own
    (
        {"model_raw": "plain", "input_tokens": 9, "cached_tokens": 5, "output_tokens": 2},
        mtok((9, "3"), (2, "15")),
        None,
    ),
    (
        {"model_raw": "plain", "input_tokens": 9, "audio_input_tokens": 5, "output_tokens": 2, "web_searches": 1},
        mtok((9, "3"), (2, "15")),
        "audio_input,web_search",
    ),
    ({"model_raw": "gratis", "input_tokens": 9, "output_tokens": 2}, usd(0), None),
    # unknown is not zero
    ({"model_raw": "plain", "input_tokens": 9}, None, None),
    ({"model_raw": "plain", "input_tokens": 9, "cached_tokens": 10, "output_tokens": 0}, usd("0.000027"), None),
    ({"model_raw": "stranger", "input_tokens": 9, "output_tokens": 2}, None, None),
    ({"model_raw": "stranger", "input_tokens": 9, "output_tokens": 2, "span_cost_usd": 0.25}, usd("0.25"), None),
    ({"model_raw": "plain", "input_tokens": 9, "output_tokens": 2, "span_cost_usd": 0.25}, usd("0.000057"), None),
    # other currencies, by the rate of the day
    (
        {"model_raw": "euro", "input_tokens": 1000, "output_tokens": 7, "started_at": BEFORE},
        usd(mtok((1000, "2.5"), (7, "10")) * Decimal("1.08")),
        None,
    ),
    (
        {"model_raw": "euro", "input_tokens": 1001, "cached_tokens": 1, "output_tokens": 7, "started_at": AFTER},
        usd(mtok((1000, "2.5"), (1, "0.25"), (7, "10")) * Decimal("1.10001")),
        None,
    ),
    (
        {"model_raw": "euro", "input_tokens": 1000, "output_tokens": 7, "started_at": LONG_AGO},
        None,
        "currency=EUR",
    ),
    ({"model_raw": "pound", "input_tokens": 1000, "output_tokens": 7, "span_cost_usd": 0.25}, None, "currency=GBP"),
    # own hardware: its time, by 2.10 USD x 4 GPUs an hour for 16 calls at once
    (
        {"model_raw": "own-7b", "input_tokens": 1000, "output_tokens": 7, "duration_ms": 1500.0},
        usd(Decimal("1.5") * Decimal("8.4") / 16 / 3600),
        None,
    ),
    ({"model_raw": "own-7b", "duration_ms": 3_600_000.0}, usd("0.525"), None),
    ({"model_raw": "own-7b", "input_tokens": 5, "audio_input_tokens": 5, "duration_ms": 0.0}, usd(0), None),
    ({"model_raw": "own-7b", "input_tokens": 1000, "output_tokens": 7, "span_cost_usd": 0.25}, None, None),
    ({"model_raw": "own-7b", "duration_ms": 1500.0, "started_at": LONG_AGO}, None, None),
    (
        {"model_raw": "rented", "input_tokens": 1, "output_tokens": 1, "duration_ms": 1000.001},
        usd(usd(Decimal("1.000001") * Decimal("1.7") / 3 / 3600) * Decimal("1.10001")),
        None,
    ),
]


def test_each_call_of_the_ledger_costs_what_is_reckoned_by_hand(receipts: Any) -> None:
    found = receipts([call for call, _, _ in LEDGER], BOOK)
    wrong = [
        (call, row["cost_usd"], cost)
        for row, (call, cost, parts) in zip(found, LEDGER, strict=True)
        if (row["cost_usd"], row["unpriced_parts"]) != (None if cost is None else usd(cost), parts)
    ]
    assert not wrong
    assert len(LEDGER) >= 36
    assert sum(row["cost_usd"] or 0 for row in found) == sum(usd(cost) for _, cost, _ in LEDGER if cost is not None)


def test_amounts_in_other_currencies_are_stored_as_they_are_and_in_no_sum_of_usd(receipts: Any) -> None:
    euro, pound, own = receipts(
        [
            {"model_raw": "euro", "input_tokens": 1000, "output_tokens": 7},
            {"model_raw": "pound", "input_tokens": 1000, "output_tokens": 7},
            {"model_raw": "own-7b", "duration_ms": 1.0},
        ],
        BOOK,
    )
    assert (euro["currency"], euro["cost_amount"], euro["cost_source"]) == ("EUR", usd("0.00257"), "user")
    assert (pound["currency"], pound["cost_amount"], pound["cost_usd"], pound["cost_source"]) == (
        *("GBP", usd("0.002056")),
        *(None, None),
    )
    assert (own["currency"], own["cost_amount"], own["hardware"]) == (None, None, "gpus")


def test_parts_of_a_cost_on_own_hardware_are_unknown_and_those_in_euro_are_converted(receipts: Any) -> None:
    used = {"input_tokens": 1000, "cached_tokens": 400, "output_tokens": 7, "reasoning_tokens": 3, "duration_ms": 9.0}
    own, euro = receipts([{"model_raw": "own-7b"} | used, {"model_raw": "euro"} | used], BOOK)
    parts = ("cached_usd", "output_usd", "reasoning_usd", "cache_saving_usd")
    assert [own[name] for name in parts] == [None] * 4
    rate = Decimal("1.10001")
    hand = [mtok((400, "0.25")), mtok((7, "10")), mtok((3, "10")), mtok((400, "2.25"))]
    assert [euro[name] for name in parts] == [usd(each * rate) for each in hand]


def test_time_on_own_hardware_is_priced_exactly_whatever_the_price_and_the_places(store: Any) -> None:
    def reckon(cases: Sequence[Any]) -> list[Decimal | None]:
        values = ", ".join(f"({ns}, {price}::DECIMAL(18, 12) * {gpus}, {k})" for ns, price, gpus, k in cases)
        sql = f"SELECT busy_cost(ns, price, k) AS usd FROM (VALUES {values}) AS t(ns, price, k)"
        return list(store.state(sql)["usd"].to_pylist())

    def check(cases: list[Any]) -> None:
        hand = [usd(Decimal(ns) * price * gpus / (Decimal(3_600_000_000_000) * k)) for ns, price, gpus, k in cases]
        assert reckon(cases) == [None if each >= M else each for each in hand]

    halves = [(1_800_000_000_000, Decimal(n) / 10**12, 1, 1) for n in range(1, 7)]
    check(halves)
    for seed, k in product(range(4), (1, 3, 16)):
        check(
            [
                (ns * 7919 + seed, Decimal(ns % 977) / 7 // Decimal("1e-12") * Decimal("1e-12"), 2, k)
                for ns in range(1, 40)
            ]
        )
