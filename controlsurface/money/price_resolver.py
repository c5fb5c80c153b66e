"""Rows of the price table as calls ask for them: of the edition in force, and of those that stored calls keep."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime

import pyarrow as pa

from controlsurface.metrics.queries.event_query import ChangeEvent, insert_event
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_table import PriceKey, resolve_prices
from controlsurface.store.duckdb import WriteTransaction

_EDITIONS = "SELECT edition, prices, in_force FROM price_editions"
_KEEP = """
INSERT INTO price_editions
SELECT $edition, CAST(now() AS TIMESTAMP), FALSE, $trusts_spans, $list_version, $prices
WHERE $edition NOT IN (SELECT edition FROM price_editions)
"""
_PUT_IN_FORCE = "UPDATE price_editions SET in_force = edition = $edition"
# Of a release that kept no editions: nobody knows which file they came from.
_FORGET_NAMELESS = "DELETE FROM prices WHERE edition IS NULL"
# What stored calls are not marked with; those of a release that kept no editions have the prices of the first.
_DROP_EDITIONS = """
DELETE FROM price_editions
WHERE NOT in_force
    AND edition NOT IN (SELECT DISTINCT price_edition FROM attempts WHERE price_edition IS NOT NULL)
    AND NOT (
        edition = (SELECT arg_min(edition, since) FROM price_editions)
        AND EXISTS (SELECT 1 FROM attempts WHERE price_edition IS NULL)
    )
"""
_DROP_PRICES = "DELETE FROM prices WHERE edition NOT IN (SELECT edition FROM price_editions)"


def drop_unused_editions(writing: WriteTransaction) -> None:
    """Forget editions that no stored call is marked with, and their prices; not the one in force."""
    writing.execute(_DROP_EDITIONS)
    writing.execute(_DROP_PRICES)


class PriceResolver:
    """Price rows of models and service tiers not met before, from the user's prices and from genai-prices.

    To look for a name that nobody prices takes milliseconds, so there are `most` looks a day; calls of the others are
    without a price.
    """

    def __init__(self, edition: PriceEdition, most: int) -> None:
        self.edition = edition
        self._most, self._day, self._looks = most, date.min, 0
        self._books = {edition.fingerprint: edition.prices}
        self._met: set[PriceKey] = set()
        self._new: set[PriceKey] = set()

    def install(self, writing: WriteTransaction) -> None:
        """Put the edition in force for calls that come from now on, and know again what priced those stored."""
        known = writing.rows(_EDITIONS).to_pylist()
        self._books |= {row["edition"]: PriceBook.model_validate_json(row["prices"]) for row in known}
        name = self.edition.fingerprint
        kept = {"trusts_spans": self.edition.trusts_spans, "list_version": self.edition.list_version}
        writing.execute(_KEEP, {"edition": name, "prices": self.edition.content, **kept})
        writing.execute(_PUT_IN_FORCE, {"edition": name})
        writing.execute(_FORGET_NAMELESS)
        drop_unused_editions(writing)
        if any(row["in_force"] and row["edition"] != name for row in known):
            writing.execute(*insert_event(_change(name, datetime.now(UTC))))

    def of(self, keys: Iterable[PriceKey]) -> pa.Table:
        """Rows for the new ones among the keys."""
        today = datetime.now(UTC).date()
        if today != self._day:
            self._day, self._looks = today, 0
        strange = [key for key in dict.fromkeys(keys) if key not in self._met]
        self._new = set(strange[: self._most - self._looks])
        self._looks += len(self._new)
        by_edition = defaultdict(list)
        for key in sorted(self._new, key=str):
            by_edition[key.edition or self.edition.fingerprint].append(key)
        found = [resolve_prices(some, self._books[edition]) for edition, some in by_edition.items()]
        return pa.concat_tables(found) if found else resolve_prices([], self.edition.prices)

    def settle(self) -> None:
        """The rows asked for last are stored."""
        self._met |= self._new


def _change(edition: str, at: datetime) -> ChangeEvent:
    text = "Calls from now on are priced by it; those stored keep their prices until `controlsurface prices reprice`."
    return ChangeEvent(at=at, kind="price", title=f"price book {edition}", detail=text, source="controlsurface")
