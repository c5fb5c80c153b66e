"""A table as bytes: CSV, JSON, Parquet. The same table gives the same bytes."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from controlsurface.client.arrow_tables import as_dicts

# What begins a formula in some spreadsheet: full-width signs in East Asian ones, after white space in many.
_FORMULA = re.compile(r"'*(?:[\t\r\n]|\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])")

ExportFormat = Literal["csv", "json", "parquet"]


def as_csv(table: pa.Table) -> bytes:
    """RFC 4180 in UTF-8, with a header: every digit of money, times as RFC 3339, unknown is empty.

    A text that a spreadsheet would run as a formula has a `'` in front (OWASP, "CSV Injection"); `unguard_formula`
    takes it away. JSON and Parquet have every text as it is.
    """
    out = _Lines()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(map(guard_formula, table.column_names))
    writer.writerows(list(map(_cell, row.values())) for row in as_dicts(table))
    return "".join(out.lines).encode()


class _Lines:
    """Takes rows that end in CR LF and keeps them with LF; Python quotes only such breaks as its rows end in."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line.removesuffix("\r\n") + "\n")


def as_json(table: pa.Table) -> bytes:
    """A list of objects, one a line; money is text, for a binary number would lose its last digits."""
    rows = (orjson.dumps(json_row(row), option=orjson.OPT_UTC_Z) for row in as_dicts(table))
    return b"[\n" + b",\n".join(rows) + b"\n]\n"


def as_parquet(table: pa.Table) -> bytes:
    """Parquet, money as DECIMAL."""
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


FORMAT_WRITERS: Mapping[ExportFormat, Callable[[pa.Table], bytes]] = MappingProxyType(
    {"csv": as_csv, "json": as_json, "parquet": as_parquet}
)


def json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON holds it: USD as text, other decimals as numbers."""
    return {
        name: (exact_digits(value) if name.endswith("_usd") else _number(value))
        if isinstance(value, Decimal)
        else value
        for name, value in row.items()
    }


def exact_digits(value: Decimal) -> str:
    """All digits that mean something, never an exponent.

    >>> exact_digits(Decimal("12.500000")), exact_digits(Decimal("0E-18")), exact_digits(Decimal("100"))
    ('12.5', '0', '100')
    """
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def guard_formula(text: str) -> str:
    """A text of which a spreadsheet makes no formula; numbers stay numbers, for they are none.

    >>> guard_formula("=1+1"), guard_formula("gpt-4o"), guard_formula("'=1")
    ("'=1+1", 'gpt-4o', "''=1")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard_formula(text: str) -> str:
    """What `guard_formula` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str):
        return guard_formula(value)
    return exact_digits(value) if isinstance(value, Decimal) else value


def _number(value: Decimal) -> int | float:
    """A count: whole, unless requests were sampled upstream and stand for a broken number of others."""
    return int(value) if value == value.to_integral_value() else float(value)
