"""Rows on standard output: aligned for people, JSON, CSV and Parquet for programs."""

import csv
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq

FORMATS = ("table", "json", "csv", "parquet")


def plain(value: object) -> object:
    """A value as JSON and CSV hold it: times as RFC 3339 in UTC, money as an exact number, NaN as nothing."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def records(table: pa.Table) -> list[dict[str, Any]]:
    """The rows, in plain values."""
    return [{name: plain(value) for name, value in row.items()} for row in table.to_pylist()]


def write_json(value: object) -> None:
    """One JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


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


def quiet_end() -> None:
    """The reader of our output went away: nothing more can be said there, also not at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    """CSV keeps every digit of money."""
    return format(value, "f") if isinstance(value, Decimal) else plain(value)
