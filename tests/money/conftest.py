"""A till: the price table of a book in a real store, and calls rung up on it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_table import PRICE_ATTEMPTS_SQL, resolve_prices
from controlsurface.store.duckdb import DuckStore

Call = dict[str, Any]
Receipt = tuple[Decimal | None, str | None]
Till = Callable[..., list[Receipt]]
Receipts = Callable[..., list[Call]]

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
_TOKENS = (
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "cached_audio_tokens",
    "image_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "image_output_tokens",
    "web_searches",
)
_TEXT = ("provider", "model_raw", "model", "mode", "service_tier", "token_counting", "price_edition")
_OTHER: dict[str, pa.DataType] = {
    "row": pa.int64(),
    "started_at": pa.timestamp("us"),
    "duration_ms": pa.float64(),
    "failed": pa.bool_(),
    "span_cost_usd": pa.float64(),
}
EDITION = "e"  # of the price book of a test
CALLS = pa.schema(_OTHER | dict.fromkeys(_TEXT, pa.string()) | dict.fromkeys(_TOKENS, pa.int64()))


def full(row: int, call: Call) -> Call:
    """The call with every column of `new_attempts`, its time as naive UTC."""
    blank: Call = {
        **dict.fromkeys(_TEXT),
        "price_edition": EDITION,
        "failed": False,
        "started_at": NOON,
        "duration_ms": None,
        "span_cost_usd": None,
    }
    filled = {"row": row, **blank, "model": call["model_raw"], **dict.fromkeys(_TOKENS), **call}
    at: datetime | None = filled["started_at"]
    return filled | {"started_at": at.replace(tzinfo=None) if at else None}


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    """One store for all tests of a file: the till empties its price table each time."""
    store = DuckStore.in_memory()
    yield store
    store.close()


@pytest.fixture
def receipts(store: DuckStore) -> Receipts:
    """Ring up calls under a book: all columns of each, in the order given."""

    def ring_up(calls: list[Call], book: PriceBook = PriceBook()) -> list[Call]:  # noqa: B008
        rows = [full(i, call) for i, call in enumerate(calls)]
        with store.writing() as writing:
            writing.execute("DELETE FROM prices")
            keys = {(row["provider"], row["model_raw"], row["service_tier"], EDITION) for row in rows}
            writing.attach("resolved", resolve_prices(keys, book))
            writing.execute("INSERT INTO prices BY NAME SELECT * FROM resolved")
            writing.attach("new_attempts", pa.Table.from_pylist(rows, CALLS))
            return list(writing.rows(f"SELECT * FROM ({PRICE_ATTEMPTS_SQL}) ORDER BY row").to_pylist())

    return ring_up


@pytest.fixture
def till(receipts: Receipts) -> Till:
    """The same: (cost_usd, cost_source) of each."""

    def ring_up(calls: list[Call], book: PriceBook = PriceBook()) -> list[Receipt]:  # noqa: B008
        return [(each["cost_usd"], each["cost_source"]) for each in receipts(calls, book)]

    return ring_up
