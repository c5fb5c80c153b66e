"""What requests take in the store, and what that costs for as long as it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from controlsurface.money.control.cost_curve import DAYS_PER_MONTH

BYTES_PER_GB = 1e9
_MONTH = timedelta(days=DAYS_PER_MONTH)


@dataclass(frozen=True, slots=True)
class TableSize:
    """Bytes of the file's blocks that hold a table; None where none does: in memory, or not written out yet."""

    stored_bytes: int | None
    rows: int

    @property
    def per_row(self) -> float | None:
        """Mean bytes of a row."""
        return self.stored_bytes / self.rows if self.stored_bytes and self.rows else None


@dataclass(frozen=True, slots=True)
class StorageTerms:
    """How long spans, and rows of requests and calls, are kept, and USD for a GB and month; None: no price."""

    spans: timedelta
    requests: timedelta
    usd_per_gb_month: float | None

    def cost(self, span_bytes: float, row_bytes: float) -> float | None:
        """USD of bytes until they are removed."""
        if self.usd_per_gb_month is None:
            return None
        months = span_bytes * (self.spans / _MONTH) + row_bytes * (self.requests / _MONTH)
        return months / BYTES_PER_GB * self.usd_per_gb_month


def storage_rows(
    found: Sequence[Mapping[str, Any]], sizes: Mapping[str, TableSize], terms: StorageTerms
) -> list[dict[str, Any]]:
    """`found` (name, assigned, requests, calls, spans, span_bytes) with stored bytes and cost, which add up.

    The spans of the window have the table's mean size together, and share it in proportion of their bytes before
    compression; rows of requests and calls have the mean of theirs.
    """
    means = {name: sizes[name].per_row for name in ("spans", "requests", "attempts")}
    known = all(means[name] is not None or not sizes[name].rows for name in means)
    spans, raw = sum(row["spans"] for row in found), sum(row["span_bytes"] for row in found)
    ratio = (means["spans"] or 0) * spans / raw if raw else 0.0
    return [{**row, **_stored(row, ratio, means, terms if known else None)} for row in found]


def _stored(
    row: Mapping[str, Any], ratio: float, means: Mapping[str, float | None], terms: StorageTerms | None
) -> dict[str, float | None]:
    """The figures of one row; unknown where the store's blocks tell nothing."""
    n = row["requests"]
    sent = {"bytes_per_request": row["span_bytes"] / n if n else None}
    if terms is None:
        return sent | dict.fromkeys(("stored_bytes", "stored_per_request", "storage_usd", "storage_usd_per_million"))
    of_spans = row["span_bytes"] * ratio
    of_rows = n * (means["requests"] or 0) + row["calls"] * (means["attempts"] or 0)
    usd = terms.cost(of_spans, of_rows)
    return sent | {
        "stored_bytes": of_spans + of_rows,
        "stored_per_request": (of_spans + of_rows) / n if n else None,
        "storage_usd": usd,
        "storage_usd_per_million": 1e6 * usd / n if usd is not None and n else None,
    }
