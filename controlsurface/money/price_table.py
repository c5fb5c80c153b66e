"""The price table: which rows to hold for the models seen, and the statement that prices calls with them.

Arithmetic is decimal throughout: tokens times a price of 12 decimals, summed, divided by a million and rounded half to
even to the 12 decimals of `cost_usd`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from controlsurface.money.list_prices import list_rates
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_rate import UnitPrices

PRICE_ATTEMPTS_SQL, REQUEST_COSTS_SQL = (
    Path(__file__).with_name(name).read_text("utf-8") for name in ("price_attempts.sql", "request_costs.sql")
)

_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys("provider model service_tier source mode".split(), pa.string()),
    **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    **dict.fromkeys(("time_from", "time_to"), pa.time64("us")),
    **dict.fromkeys(("tier_from", "tier_to"), pa.int64()),
    **dict.fromkeys(UnitPrices().row(), pa.decimal128(18, 12)),
    "batch_factor": pa.float64(),
    "context_window": pa.int64(),
    "unpriced": pa.string(),
    "provider_assumed": pa.bool_(),
    "edition": pa.string(),
    "currency": pa.string(),
    **dict.fromkeys(("usd_rate", "hour_price"), pa.decimal128(18, 12)),
    "hardware": pa.string(),
    "concurrency": pa.int64(),
}
PRICE_SCHEMA = pa.schema(_COLUMNS)


class PriceKey(NamedTuple):
    """What a price is looked up by: provider and model as sent, and the service tier, None where none is named.

    `edition`: of the price book.
    """

    provider: str | None
    model: str | None
    service_tier: str | None = None
    edition: str | None = None


def resolve_prices(keys: Iterable[tuple[str | None, ...]], book: PriceBook) -> pa.Table:
    """Rows of table `prices` for distinct keys, from the user's book and from genai-prices.

    Rows of one key and one source never overlap in mode, day, hour and tier. A key nobody prices gives no row.
    """
    rows = [
        {**key._asdict(), **rate.row()}
        for key in dict.fromkeys(PriceKey(*each) for each in keys)
        if key.model
        for rates in (book.rates, list_rates)
        for rate in rates(key.provider, key.model, key.service_tier)
    ]
    return pa.Table.from_pylist(rows, PRICE_SCHEMA)
