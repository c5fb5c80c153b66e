"""Own hardware: what calls owe and what idle time costs add up to what was paid, exactly, however it is cut."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.hardware_query import HardwareArgs, HardwareQuery, hardware_by
from controlsurface.collector.ingest_engine import IngestEngine
from controlsurface.money.hardware_costs import hardware_rows, paid_hours, split_exactly
from controlsurface.money.price_book import PriceBook
from tests.ingest.spans import call
from tests.money.test_price_editions import send, serving

DAY = datetime(2026, 11, 2, tzinfo=UTC)
GPUS: dict[str, Any] = {"name": "gpus", "gpu_hour": "2.10", "gpus": 4, "concurrency": 16}
OWN = """
[[price]]
model = 'slm'
hardware = 'gpus'
[[hardware]]
name = 'gpus'
gpu_hour = 2.10
gpus = 4
concurrency = 16
"""
FULL = {"calls": 1, "untimed": 0, "other_prices": 0}


def used(lane: str, busy_ms: float, amount: str, **more: Any) -> dict[str, Any]:
    money = {"amount": Decimal(amount), "usd": Decimal(amount)}
    return {
        "hardware": "gpus",
        "currency": "USD",
        "lane": lane,
        "tokens": 1000,
        "busy_ms": busy_ms,
        **money,
        **FULL,
    } | more


def book(*hardware: dict[str, Any], **more: Any) -> PriceBook:
    return PriceBook.model_validate({"hardware": hardware, **more})


def test_an_hour_without_a_call_is_paid_and_idle() -> None:
    (row,) = hardware_rows(paid_hours(book(GPUS), DAY, DAY + timedelta(hours=1)), [])
    assert (row["lane"], row["amount"], row["cost_usd"], row["hours"], row["utilisation"]) == (
        *(None, Decimal("8.4")),
        *(Decimal("8.4"), 16, 1),
    )


def test_lanes_and_idle_time_add_up_to_what_was_paid() -> None:
    hour = paid_hours(book(GPUS), DAY, DAY + timedelta(hours=1))
    calls = [used("small", 3_600_000 * 4, "2.1"), used("large", 3_600_000 * 2, "1.05")]
    large, small, idle = hardware_rows(hour, calls)
    assert [row["amount"] for row in (small, large, idle)] == [Decimal("2.1"), Decimal("1.05"), Decimal("5.25")]
    assert [row["utilisation"] for row in (small, large, idle)] == [0.25, 0.125, 0.625]
    assert (small["amount_with_idle"], large["amount_with_idle"]) == (Decimal("5.6"), Decimal("2.8"))
    assert (small["per_mtok"], small["per_mtok_with_idle"]) == (2100, 5600)


def test_more_calls_at_once_than_places_owe_more_than_was_paid_and_idle_time_says_so() -> None:
    _, idle = hardware_rows(paid_hours(book(GPUS), DAY, DAY + timedelta(hours=1)), [used("small", 3.6e6 * 20, "10.5")])
    assert (idle["amount"], idle["utilisation"]) == (Decimal("-2.1"), -0.25)


def test_hardware_is_paid_on_its_days_alone_at_the_price_of_each() -> None:
    rows = [GPUS | {"valid_to": "2026-11-02"}, GPUS | {"gpus": 8, "valid_from": "2026-11-02", "valid_to": "2026-11-03"}]
    (paid,) = paid_hours(book(*rows), DAY - timedelta(hours=2), DAY + timedelta(days=9))
    assert (paid.amount, paid.place_hours) == (25 * Decimal("16.8"), Decimal(16 * 26))


def test_hours_in_a_currency_without_a_rate_are_unknown_in_usd() -> None:
    euro = GPUS | {"currency": "EUR"}
    rates = [{"currency": "EUR", "usd": "1.1", "valid_to": "2026-11-02"}]
    (known,) = paid_hours(book(euro, exchange=rates), DAY - timedelta(hours=1), DAY)
    (unknown,) = paid_hours(book(euro, exchange=rates), DAY - timedelta(hours=1), DAY + timedelta(hours=1))
    assert (known.amount, known.usd) == (Decimal("8.4"), Decimal("9.24"))
    assert (unknown.amount, unknown.usd, unknown.currency) == (Decimal("16.8"), None, "EUR")


@given(
    st.decimals(0, 10**9, places=12),
    st.lists(st.decimals(0, 10**6, places=6), min_size=1, max_size=9).filter(any),
)
def test_parts_of_a_sum_add_up_to_it_to_the_last_digit(whole: Decimal, parts: list[Decimal]) -> None:
    split = split_exactly(whole, parts)
    assert sum(split) == whole
    for each, part in zip(split, parts, strict=True):
        assert abs(each - whole * part / sum(parts)) <= Decimal("1e-12")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("own"), OWN) as engine:
        for trace in range(1, 8):
            begun = call(2, trace=trace, model="slm", at=trace * 1_000_000)
            send(engine, replace(begun, end=begun.start + trace * 1000))
        yield engine


def asked(engine: IngestEngine, **more: Any) -> list[dict[str, Any]]:
    begin = engine.store.state("SELECT min(started_at) AS at FROM attempts")["at"][0].as_py() - timedelta(hours=1)
    args = HardwareArgs(start=begin, end=begin + timedelta(hours=6), **more)
    return [dict(row) for row in as_dicts(engine.reader().run(HardwareQuery(args)).rows)]


def test_calls_on_own_hardware_owe_their_time_and_the_rest_is_idle(engine: IngestEngine) -> None:
    lane, idle = asked(engine)
    hand = [(Decimal(n) * Decimal("8.4") / 16 / 3600).quantize(Decimal("1e-12")) for n in range(1, 8)]
    assert (lane["calls"], lane["hardware"], lane["cost_usd"]) == (7, "gpus", sum(hand))
    assert lane["cost_usd"] + idle["cost_usd"] == 6 * Decimal("8.4") == lane["cost_usd_with_idle"]
    assert lane["utilisation"] == pytest.approx(28 / 3600 / 16 / 6)


@pytest.mark.parametrize("every", ["1h", "25m", "1d"])
def test_steps_of_any_length_add_up_to_the_window(engine: IngestEngine, every: str) -> None:
    parts, whole = asked(engine, every=every), asked(engine)
    assert sum(row["calls"] for row in parts) == 7
    assert sum(row["cost_usd"] for row in parts) == sum(row["cost_usd"] for row in whole)
    assert all(row["bucket"] for row in parts)


def test_hardware_is_shared_out_by_any_column_of_calls_as_by_lane(engine: IngestEngine) -> None:
    begin = engine.store.state("SELECT min(started_at) AS at FROM attempts")["at"][0].as_py() - timedelta(hours=1)
    unknown, idle = hardware_by(engine.reader(), "router", begin, begin + timedelta(hours=6))
    lane, left = asked(engine)
    assert (unknown["lane"], idle["lane"]) == ("", None)
    assert unknown["cost_usd_with_idle"] == lane["cost_usd_with_idle"] == 6 * Decimal("8.4")
    assert idle["cost_usd"] == left["cost_usd"]
