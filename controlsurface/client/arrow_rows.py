"""Rows out of Arrow tables."""

from typing import Any

import polars as pl
import pyarrow as pa


def as_polars(table: pa.Table) -> pl.DataFrame:
    """A table as polars."""
    found = pl.from_arrow(table)
    return found if isinstance(found, pl.DataFrame) else found.to_frame()


def as_dicts(table: pa.Table) -> list[dict[str, Any]]:
    """Rows by name, times to the microsecond. Arrow's own way loads pandas for the first time it meets: 40 MB."""
    return as_polars(table).to_dicts()
