"""Rows that commands write, for people and programs; what a sender wrote is escaped (terminal_text)."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import click
import pyarrow as pa

from controlsurface.api.response_encoding import json_response, plain
from controlsurface.cli.terminal.terminal_text import IN_WORDS, escape_control_characters
from controlsurface.client.query_protocol import Query, Result
from controlsurface.export.table_formats import as_csv, as_parquet

OUTPUT_FORMATS = ("table", "json", "csv", "parquet")


def write_answer(query: Query[Any], answer: Result, form: str, shown: Sequence[str] = ()) -> None:
    """An answer in one of FORMATS; JSON as the API has it, a table of the columns `shown`, by itself of all."""
    if form == "json":
        write_json(plain(query.endpoint, answer))
    else:
        write_rows(answer.rows.select([*shown]) if shown and form == "table" else answer.rows, form)


def write_rows(table: pa.Table, form: str) -> None:
    """Rows in one of FORMATS."""
    _WRITERS[form](table)


def write_json(value: object) -> None:
    """One JSON document on one line, as the API would write it."""
    click.echo(IN_WORDS.sub(lambda found: f"\\u{ord(found[0]):04x}", bytes(json_response(value).body).decode()))


def write_result(document: object, rows: pa.Table | Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """What a command found: the document as JSON, or rows as a table for people."""
    if as_json:
        write_json(document)
    else:
        write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist([*rows]))


def write_document(text: str | bytes) -> None:
    """A document as it is into a file or a pipe, and safe to be looked at on a terminal."""
    whole = text if isinstance(text, bytes) else text.encode()
    # As bytes into a file: click would take some of the sequences out of text, and nobody asked for that.
    click.echo(escape_control_characters(whole.decode(), IN_WORDS) if sys.stdout.isatty() else whole, nl=False)


def write_table(table: pa.Table) -> None:
    """Columns under their names; numbers to the right, unknown as a dash."""
    click.echo(align_columns(table))


def write_parquet(table: pa.Table) -> None:
    """Parquet bytes; never onto a terminal."""
    if sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; send it to a file: > rows.parquet")
    sys.stdout.buffer.write(as_parquet(table))


def align_columns(table: pa.Table) -> str:
    """The rows as text of equal columns."""
    columns = [
        [escape_control_characters(name), *map(_short, table.column(name).to_pylist())] for name in table.column_names
    ]
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
        return f"{float(value):.6g}"
    return escape_control_characters(str(value))


_WRITERS: Mapping[str, Callable[[pa.Table], None]] = {
    "table": write_table,
    "json": lambda table: write_json(table.to_pylist()),
    "csv": lambda table: write_document(as_csv(table)),
    "parquet": write_parquet,
}
