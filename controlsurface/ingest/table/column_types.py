"""Polars expressions that read a column as text, number, flag or time; null where it does not read so."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from controlsurface.ingest.table.table_mapping import FieldKind, FieldSource, MappedValue

_TRUE, _FALSE = ["true", "1", "yes", "t", "y"], ["false", "0", "no", "f", "n"]
_UNIX = {"unix": 1_000_000_000, "unix_ms": 1_000_000}


def as_field_type(kind: FieldKind, column: pl.Expr, time: str | None, scale: float | None) -> pl.Expr:
    """A column as the type of a field; a time as nanoseconds since 1970."""
    match kind:
        case "text":
            return as_trimmed_text(column)
        case "number":
            return _number(column, scale)
        case "whole":
            return _whole(column, scale)
        case "flag":
            return _flag(column)
        case "time":
            return to_nanoseconds(_time(as_trimmed_text(column), time or "iso"))


def as_trimmed_text(column: pl.Expr) -> pl.Expr:
    """Text without blanks around it; null where nothing is left."""
    stripped = column.cast(pl.String).str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def is_present(raw: pl.Expr) -> pl.Expr:
    """Whether there is anything to read."""
    return as_trimmed_text(raw).is_not_null()


def column_equals(column: pl.Expr, value: MappedValue) -> pl.Expr:
    """Whether a column holds this value, in any case of letters; null where it holds nothing."""
    return as_trimmed_text(column).str.to_lowercase() == _word(value)


def translate_values(column: pl.Expr, values: Mapping[str, MappedValue]) -> pl.Expr:
    """Their words as ours, as text; null for a word that is not listed."""
    ours = {theirs: _word(value) if isinstance(value, bool) else str(value) for theirs, value in values.items()}
    return as_trimmed_text(column).replace_strict(ours, default=None, return_dtype=pl.String)


def evenly_spaced_times(start: datetime, step: timedelta, row: pl.Expr) -> pl.Expr:
    """Nanoseconds since 1970 of each row, a step apart; a start without a zone is taken for UTC."""
    begin = start if start.tzinfo else start.replace(tzinfo=UTC)
    return pl.lit(int(begin.timestamp() * 1e6) * 1000) + row.cast(pl.Int64) * (step // timedelta(microseconds=1) * 1000)


def expected_value_text(kind: FieldKind, source: FieldSource) -> str:
    """What a value should have been, in words."""
    if source.values is not None:
        return f"word among {', '.join(source.values)}"
    if kind == "time":
        return f"time as '{source.time or 'iso'}' says"
    return {"whole": "whole number", "flag": "true or false"}.get(kind, kind)


def _word(value: MappedValue) -> str:
    return str(value).lower()


def _number(column: pl.Expr, scale: float | None) -> pl.Expr:
    return as_trimmed_text(column).cast(pl.Float64, strict=False) * (1.0 if scale is None else scale)


def _whole(column: pl.Expr, scale: float | None) -> pl.Expr:
    number = _number(column, scale)
    return pl.when(number == number.round()).then(number.cast(pl.Int64, strict=False))


def _flag(column: pl.Expr) -> pl.Expr:
    word = as_trimmed_text(column).str.to_lowercase()
    return pl.when(word.is_in(_TRUE)).then(pl.lit(True)).when(word.is_in(_FALSE)).then(pl.lit(False))


def to_nanoseconds(moment: pl.Expr) -> pl.Expr:
    """Dates and times as nanoseconds since 1970, those without a zone taken for UTC; null before 1970."""
    since = moment.cast(pl.Datetime("ns"), strict=False).dt.epoch("ns")
    return pl.when(since >= 0).then(since)


def _time(written: pl.Expr, how: str) -> pl.Expr:
    if how in _UNIX:
        return _number(written, _UNIX[how]).cast(pl.Int64, strict=False).cast(pl.Datetime("ns"))
    return _iso(written) if how == "iso" else _parsed(written, how)


def _iso(written: pl.Expr) -> pl.Expr:
    """ISO 8601 dates and times, with blank or T, with Z, an offset or neither."""
    tidy = written.str.replace(" ", "T", literal=True).str.replace(r"[Zz]$|\+00$", "+00:00")
    forms = ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
    return pl.coalesce(_parsed(tidy, form) for form in forms)


def _parsed(written: pl.Expr, form: str) -> pl.Expr:
    parsed = written.str.to_datetime(form, time_unit="ns", strict=False)
    zoned = any(sign in form for sign in ("%z", "%:z", "%#z"))
    return parsed.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else parsed
