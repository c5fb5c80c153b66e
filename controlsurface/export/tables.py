"""A table as bytes: CSV, JSON, Parquet. The same table gives the same bytes."""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from controlsurface.reader.rows import records

Format = Literal["csv", "json", "parquet"]


def as_csv(table: pa.Table) -> bytes:
    """RFC 4180 in UTF-8, with a header: every digit of money, times as RFC 3339, unknown is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(list(map(_cell, row.values())) for row in records(table))
    return out.getvalue().encode()


def as_json(table: pa.Table) -> bytes:
    """A list of objects, one a line; money is text, for a binary number would lose its last digits."""
    rows = (orjson.dumps(plain(row), option=orjson.OPT_UTC_Z) for row in records(table))
    return b"[\n" + b",\n".join(rows) + b"\n]\n"


def as_parquet(table: pa.Table) -> bytes:
    """Parquet, money as DECIMAL."""
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


WRITERS: Mapping[Format, Callable[[pa.Table], bytes]] = MappingProxyType(
    {"csv": as_csv, "json": as_json, "parquet": as_parquet}
)


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON holds it: USD as text, other decimals as numbers."""
    return {
        name: (digits(value) if name.endswith("_usd") else _number(value)) if isinstance(value, Decimal) else value
        for name, value in row.items()
    }


def digits(value: Decimal) -> str:
    """All digits that mean something, never an exponent.

    >>> digits(Decimal("12.500000")), digits(Decimal("0E-18")), digits(Decimal("100"))
    ('12.5', '0', '100')
    """
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return digits(value) if isinstance(value, Decimal) else value


def _number(value: Decimal) -> int | float:
    """A count: whole, unless requests were sampled upstream and stand for a broken number of others."""
    return int(value) if value == value.to_integral_value() else float(value)
