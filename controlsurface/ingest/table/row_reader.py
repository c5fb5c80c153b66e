"""Rows of a table as typed values, by a mapping: lazily, in batches, and naming the place of every bad value."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from controlsurface.errors import BadBody, ConfigError, did_you_mean
from controlsurface.ingest.files.otlp_files import DEFAULT_FILE_LIMITS, PARQUET_MAGIC, FileLimits, open_decompressed
from controlsurface.ingest.table import column_types
from controlsurface.ingest.table.table_mapping import FieldSource, RowCondition, TableField, TableMapping

log = logging.getLogger(__name__)

ROW_NUMBER_COLUMN = "::row"  # of the table, from 0; the other columns are named by their place in the mapping
_RAW_PREFIX = "::raw "

Row = dict[str, Any]
Used = dict[str, tuple[FieldSource, TableField]]  # the sources that a table has, by place


@dataclass(frozen=True, slots=True)
class RequestTable:
    """A file of rows; `digest` is a hash of its content, decompressed."""

    path: Path
    digest: bytes
    frame: pl.LazyFrame
    columns: dict[str, pl.DataType]

    @staticmethod
    def opened(path: Path, may: FileLimits = DEFAULT_FILE_LIMITS) -> "RequestTable":
        """Look into Parquet or CSV (gzipped or not; comma, semicolon, tab, bar). Raises NotFound, BadBody, TooLarge."""
        with open_decompressed(path, may) as file:
            head = file.read(1 << 16)
            digest = hashlib.blake2b(head, digest_size=16)
            for part in iter(lambda: file.read(1 << 20), b""):
                digest.update(part)
        try:
            if head.startswith(PARQUET_MAGIC):
                may.opens(path, _opens_into(path))
            frame = pl.scan_parquet(path) if head.startswith(PARQUET_MAGIC) else _csv(path, head)
            return RequestTable(path, digest.digest(), frame, dict(frame.collect_schema()))
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise BadBody(f"{path}: {_first_line(problem)}") from None


def _opens_into(path: Path) -> int:
    """Bytes of a Parquet file's columns, as it says; a row has at least one. Raises OSError."""
    try:
        about = pq.read_metadata(path)
    except pa.ArrowException as problem:
        raise OSError(str(problem)) from None
    groups = (about.row_group(n) for n in range(about.num_row_groups))
    return max(sum(group.total_byte_size for group in groups), about.num_rows)


def row_batches(table: RequestTable, rules: TableMapping, size: int) -> Iterator[list[Row]]:
    """Rows that count, as values by place. Raises ConfigError for a missing column, BadBody for a bad value."""
    used = dict(_used(table, rules))
    _report_unused(table, rules)
    try:
        for frame in _selected(table, rules, used).collect_batches(chunk_size=size):
            _must_fit(frame, table, used)
            yield frame.select(pl.exclude(f"^{_RAW_PREFIX}.*$")).to_dicts()
    except pl.exceptions.PolarsError as problem:
        raise BadBody(f"{table.path}: {_first_line(problem)}") from None


def row_start_times(table: RequestTable, rules: TableMapping) -> Iterator[int]:
    """When the rows that count began, Unix nanoseconds; a value that is no time is left to `row_batches`.

    Raises ConfigError for a missing column, BadBody.
    """
    place = "request.started_at"
    source, field = dict(_used(table, rules))[place]
    try:
        for some in _counted(table, rules).select(_value(source, field, table).alias(place)).collect_batches():
            yield from some[place].drop_nulls().to_list()
    except pl.exceptions.PolarsError as problem:
        raise BadBody(f"{table.path}: {_first_line(problem)}") from None


def _first_line(problem: Exception) -> str:
    """What went wrong, without the query plan that Polars adds."""
    return str(problem).partition("\n")[0]


def _csv(path: Path, head: bytes) -> pl.LazyFrame:
    """Every column as text: the mapping says what it is."""
    first = head.splitlines()[0] if head else b""
    separator = max(",;\t|", key=lambda each: first.count(each.encode()))
    return pl.scan_csv(path, separator=separator, infer_schema=False)


def _used(table: RequestTable, rules: TableMapping) -> Iterator[tuple[str, tuple[FieldSource, TableField]]]:
    """The sources that this table has. Raises ConfigError for a column it lacks, unless the mapping's are optional."""
    for place, source, field in rules.sources():
        if source.const is not None or source.column in table.columns:
            yield place, (source, field)
        elif not rules.optional or place == "request.started_at":
            raise _no_column(table, rules, place, source.column)
    for place, condition in rules.conditions():
        if condition.column not in table.columns and not rules.optional:
            raise _no_column(table, rules, place, condition.column)


def _no_column(table: RequestTable, rules: TableMapping, place: str, column: str) -> ConfigError:
    text = f"{rules.name}: {place}: {table.path} has no column '{column}'{did_you_mean(column, table.columns)}"
    return ConfigError(f"{text}; its columns: {', '.join(table.columns)}")


def _report_unused(table: RequestTable, rules: TableMapping) -> None:
    """Say which columns leave no trace, where a mapping takes what it finds."""
    named = {source.column for _, source, _ in rules.sources()}
    unused = [column for column in table.columns if column not in named]
    if rules.optional and unused:
        log.warning("%s: no field of mapping %s takes the columns %s", table.path, rules.name, ", ".join(unused))


def _counted(table: RequestTable, rules: TableMapping) -> pl.LazyFrame:
    """The rows that count, with their number."""
    frame = table.frame.with_row_index(ROW_NUMBER_COLUMN)
    for condition in rules.only:
        frame = frame.filter(_holds(condition, table))
    return frame


def _selected(table: RequestTable, rules: TableMapping, used: Used) -> pl.LazyFrame:
    conditions = {place: each for place, each in rules.conditions() if place.startswith("attempts")}
    raw = [pl.col(s.column).cast(pl.String).alias(_RAW_PREFIX + place) for place, (s, _) in used.items() if s.column]
    return _counted(table, rules).select(
        ROW_NUMBER_COLUMN,
        *(_value(source, field, table).alias(place) for place, (source, field) in used.items()),
        *(_holds(each, table).alias(place) for place, each in conditions.items()),
        *raw,
    )


def _holds(condition: RowCondition, table: RequestTable) -> pl.Expr:
    """Whether a condition holds in a row; an optional column that is missing holds nothing."""
    if condition.column not in table.columns:
        return pl.lit(condition.present is False)
    column = pl.col(condition.column)
    if condition.equals is not None:
        return column_types.column_equals(column, condition.equals)
    return column_types.is_present(column) == condition.present


def _value(source: FieldSource, field: TableField, table: RequestTable) -> pl.Expr:
    """A source as an expression of its field's type, in its field's unit; times in nanoseconds since 1970."""
    if isinstance(source.const, datetime):
        return column_types.evenly_spaced_times(source.const, source.every or timedelta(), pl.col(ROW_NUMBER_COLUMN))
    if source.const is not None:
        return pl.lit(source.const)
    column = pl.col(source.column)
    if field.kind == "time" and table.columns[source.column].is_temporal():
        return column_types.to_nanoseconds(column)
    if source.equals is not None:
        return column_types.column_equals(column, source.equals)
    if source.values is not None:
        column = column_types.translate_values(column, source.values)
    return column_types.as_field_type(field.kind, column, source.time, source.scale)


def _must_fit(frame: pl.DataFrame, table: RequestTable, used: Used) -> None:
    """Raises BadBody for the first value that is there and could not be read, or a time that is not there."""
    for place, (source, field) in used.items():
        for bad in frame.filter(_is_lost(place, source, frame.columns)).head(1).to_dicts():
            said = f"'{bad[_RAW_PREFIX + place]}'" if bad[_RAW_PREFIX + place] else "nothing"
            where = f"{table.path}: row {bad[ROW_NUMBER_COLUMN] + 1}, column '{source.column}'"
            raise BadBody(f"{where}: {said} is no {column_types.expected_value_text(field.kind, source)} ({place})")


def _is_lost(place: str, source: FieldSource, columns: list[str]) -> pl.Expr:
    """Whether a value was there and is no longer; in an attempt, only where that attempt happened."""
    if not source.column:
        return pl.lit(False)
    if place == "request.started_at":
        return pl.col(place).is_null()
    lost = pl.col(place).is_null() & column_types.is_present(pl.col(_RAW_PREFIX + place))
    condition = f"{place.rpartition('.')[0]}.when"
    return lost & pl.col(condition) if condition in columns else lost
