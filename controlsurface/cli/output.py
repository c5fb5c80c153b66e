"""Rows on standard output: aligned for people, JSON, CSV and Parquet for programs."""

import math
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import click
import pyarrow as pa

from controlsurface.api.encode import json
from controlsurface.export.tables import as_csv, as_parquet

FORMATS = ("table", "json", "csv", "parquet")


def write_json(value: object) -> None:
    """One JSON document on one line, as the API would write it."""
    click.echo(json(value).body)


def write_table(table: pa.Table) -> None:
    """Columns under their names; numbers to the right, unknown as a dash."""
    click.echo(aligned(table))


def write_csv(table: pa.Table) -> None:
    """RFC 4180 with a header; unknown is empty."""
    click.echo(as_csv(table), nl=False)


def write_parquet(table: pa.Table) -> None:
    """Parquet bytes; never onto a terminal."""
    if sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; send it to a file: > rows.parquet")
    sys.stdout.buffer.write(as_parquet(table))


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
