"""Arrow tables of answers: their columns with what JSON schemas say besides, and their rows as Python has them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import polars as pl
import pyarrow as pa

Column: TypeAlias = "pa.Field[Any]"

JSON = b"json"  # in a field's or a schema's metadata: rules that a JSON schema has beside the type
OPTIONAL = b"optional"  # in a field's metadata: the column may be missing


def column(kind: pa.DataType, *, nullable: bool = False, **rules: Any) -> Column:
    """A column; `rules` are words of JSON schema, such as `minimum`."""
    return pa.field("", kind, nullable, {JSON: json.dumps(rules)} if rules else None)


def one_of(*values: str | None) -> Column:
    """One of a few words."""
    return column(pa.string(), enum=[*values])


def list_of(item: Column) -> Column:
    """A list."""
    return column(pa.list_(item.with_name("item")))


def record(**named: Column) -> Column:
    """Columns within a column."""
    return column(pa.struct([each.with_name(name) for name, each in named.items()]))


def optional(one: Column) -> Column:
    """A column that some answers have."""
    return pa.field(one.name, one.type, one.nullable, {**(one.metadata or {}), OPTIONAL: b""})


def column_table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table of these columns, any of which may be null."""
    return pa.Table.from_pylist([*rows], pa.schema([(each.name, _any(each.type)) for each in schema]))


def columns(rules: Mapping[str, Any] | None = None, /, **named: Column) -> pa.Schema:
    """Columns by name; `rules` are words of JSON schema about the whole row."""
    return pa.schema(
        [each.with_name(name) for name, each in named.items()], {JSON: json.dumps(rules).encode()} if rules else None
    )


TEXT, MAYBE_TEXT = column(pa.string()), column(pa.string(), nullable=True)
NUMBER, FIGURE = column(pa.float64()), column(pa.float64(), nullable=True)
COUNT, INTEGER = column(pa.int64(), minimum=0), column(pa.int64(), nullable=True)
SHARE = column(pa.float64(), nullable=True, minimum=0, maximum=1)
FLAG = column(pa.bool_())
TIME = column(pa.timestamp("us", "UTC"), nullable=True)
OBJECT, MAYBE_OBJECT = column(pa.map_(pa.string(), pa.null())), column(pa.map_(pa.string(), pa.null()), nullable=True)
TEXTS = column(pa.map_(pa.string(), pa.string()))
NO_COLUMNS = columns()
BY_DIMENSION = {"additionalProperties": {"type": ["string", "null"]}}  # the dimensions asked for


def _any(kind: pa.DataType) -> pa.DataType:
    """The same type, with parts that may be null."""
    if pa.types.is_struct(kind):
        return pa.struct([(each.name, _any(each.type)) for each in kind.fields])
    return pa.list_(_any(kind.value_type)) if pa.types.is_list(kind) else kind


def as_polars(table: pa.Table) -> pl.DataFrame:
    """A table as polars."""
    found = pl.from_arrow(table)
    return found if isinstance(found, pl.DataFrame) else found.to_frame()


def as_dicts(table: pa.Table) -> list[dict[str, Any]]:
    """Rows by name, times to the microsecond. Arrow's own way loads pandas for the first time it meets: 40 MB."""
    return as_polars(table).to_dicts()
