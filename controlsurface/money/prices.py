"""The price table: which rows to hold for the models seen, and the statement that prices calls with them.

Arithmetic is decimal throughout: tokens times a price of 12 decimals, summed, divided by a million and rounded half to
even to the 12 decimals of `cost_usd`.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from controlsurface.money import listed
from controlsurface.money.book import Book, read_book

__all__ = ["PRICE_ATTEMPTS", "SCHEMA", "Book", "read_book", "resolve"]

PRICE_ATTEMPTS = Path(__file__).with_name("price_attempts.sql").read_text("utf-8")

_TEXT, _TOKENS, _DAY, _HOUR, _USD = pa.string(), pa.int64(), pa.date32(), pa.time64("us"), pa.decimal128(18, 12)
_COLUMNS: dict[str, pa.DataType] = {
    "provider": _TEXT,
    "model": _TEXT,
    "source": _TEXT,
    "mode": _TEXT,
    "valid_from": _DAY,
    "valid_to": _DAY,
    "time_from": _HOUR,
    "time_to": _HOUR,
    "tier_from": _TOKENS,
    "tier_to": _TOKENS,
    "input_usd_per_mtok": _USD,
    "cached_input_usd_per_mtok": _USD,
    "cache_write_usd_per_mtok": _USD,
    "output_usd_per_mtok": _USD,
    "reasoning_usd_per_mtok": _USD,
    "request_usd": _USD,
    "batch_factor": pa.float64(),
    "context_window": _TOKENS,
}
SCHEMA = pa.schema(_COLUMNS)


def resolve(pairs: Iterable[tuple[str | None, str | None]], book: Book) -> pa.Table:
    """Rows of table `prices` for distinct (provider, model as sent) pairs, from the user's book and from genai-prices.

    Rows of one pair and one source never overlap in mode, day, hour and tier. A pair nobody prices gives no row.
    """
    rows = [
        {"provider": provider, "model": model, **rate.row()}
        for provider, model in dict.fromkeys(pairs)
        if model
        for rate in (*book.rates(provider, model), *listed.rates(provider, model))
    ]
    return pa.Table.from_pylist(rows, SCHEMA)
