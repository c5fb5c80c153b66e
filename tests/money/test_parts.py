"""What a cost is made of, what a cache or a batch saved of it, and how much fits a model's window."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_table import PRICE_ATTEMPTS_SQL, resolve_prices
from controlsurface.store.duckdb import DuckStore
from tests.money.conftest import CALLS, EDITION, full

BOOK = PriceBook.model_validate(
    {
        "price": [
            {"model": "own", "mode": "batch", "input": "1", "output": "4", "context_window": 8192},
            {"model": "own", "input": "2", "cached_input": "0.5", "output": "8", "reasoning": "10"},
        ]
    }
)
TOKENS = {"input_tokens": 1000, "cached_tokens": 400, "output_tokens": 200, "reasoning_tokens": 50}


def priced(store: DuckStore, **call: Any) -> dict[str, Any]:
    """The one call as it is stored."""
    row = full(0, {"model_raw": "own"} | TOKENS | call)
    with store.writing() as writing:
        writing.execute("DELETE FROM prices")
        writing.attach("resolved", resolve_prices([(row["provider"], row["model_raw"], None, EDITION)], BOOK))
        writing.execute("INSERT INTO prices BY NAME SELECT * FROM resolved")
        writing.attach("new_attempts", pa.Table.from_pylist([row], CALLS))
        return dict(writing.rows(PRICE_ATTEMPTS_SQL).to_pylist()[0])


def test_the_parts_of_a_cost_leave_the_fresh_input(store: DuckStore) -> None:
    call = priced(store)
    assert (call["cached_usd"], call["output_usd"], call["reasoning_usd"]) == (
        Decimal("0.0002"),
        Decimal("0.0017"),
        Decimal("0.0005"),
    )
    assert call["cost_usd"] - call["cached_usd"] - call["output_usd"] == Decimal("0.0012")


def test_a_prompt_cache_saves_the_difference_of_its_price(store: DuckStore) -> None:
    assert priced(store)["cache_saving_usd"] == Decimal("0.0006")
    assert priced(store, cached_tokens=None)["cache_saving_usd"] == 0


def test_a_batch_call_saves_what_real_time_costs_more(store: DuckStore) -> None:
    call = priced(store, mode="batch", cached_tokens=None, reasoning_tokens=None)
    assert (call["cost_usd"], call["batch_saving_usd"]) == (Decimal("0.0018"), Decimal("0.0018"))
    assert priced(store)["batch_saving_usd"] is None


def test_a_cost_from_the_span_has_no_parts(store: DuckStore) -> None:
    call = priced(store, model_raw="unheard-of", span_cost_usd=0.5)
    assert (call["cost_source"], call["output_usd"], call["cache_saving_usd"]) == ("span", None, None)


@pytest.mark.parametrize(
    ("call", "window"),
    [
        ({"mode": "batch"}, 8192),
        ({}, None),
        ({"provider": "openai", "model_raw": "gpt-5"}, 400_000),
        ({"model_raw": "unheard-of"}, None),
    ],
)
def test_context_windows_come_from_book_or_library(store: DuckStore, call: dict[str, Any], window: int | None) -> None:
    assert priced(store, **call)["context_window"] == window
