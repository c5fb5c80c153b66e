"""Rows on standard output: aligned for people, JSON, CSV and Parquet for programs."""

import csv
import io
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import click
import pyarrow as pa
import pyarrow.parquet as pq

from controlsurface.api.encode import json

FORMATS = ("table", "json", "csv", "parquet")


def write_json(value: object) -> None:
    """One JSON document on one line, as the API would write it."""
    click.echo(json(value).body)


def write_table(table: pa.Table) -> None:
    """Columns under their names; numbers to the right, unknown as a dash."""
    click.echo(aligned(table))


def write_csv(table: pa.Table) -> None:
    """RFC 4180 with a header; unknown is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(list(map(_exact, row.values())) for row in table.to_pylist())
    click.echo(out.getvalue(), nl=False)


def write_parquet(table: pa.Table) -> None:
    """Parquet bytes; never onto a terminal."""
    if sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; send it to a file: > rows.parquet")
    out = io.BytesIO()
    pq.write_table(table, out)
    sys.stdout.buffer.write(out.getvalue())


def aligned(table: pa.Table) -> str:
    """The rows as text of equal columns."""
    columns = [[name, *map(_short, table.column(name).to_pylist())] for name in table.column_names]
    right = [pa.types.is_floating(t) or pa.types.is_integer(t) or pa.types.is_decimal(t) for t in table.schema.types]
    padded = [_padded(column, is_right) for column, is_right in zip(columns, right, strict=True)]
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*padded, strict=True))


def _padded(cells: Sequence[str], right: bool) -> list[str]:
    width = max(map(len, cells))
    return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]


def _short(value: object) -> str:
    """What a person reads: six significant digits, times to the second."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float | Decimal):
        return f"{value:.6g}"
    return str(value)


def _exact(value: object) -> object:
    """What CSV holds: every digit of money, times as RFC 3339."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return format(value, "f") if isinstance(value, Decimal) else value
