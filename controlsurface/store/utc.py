"""The border of time: columns hold UTC without a zone; whatever leaves the store says that it is, what enters may."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from controlsurface.store.named_query import Parameters


def as_utc(rows: pa.Table) -> pa.Table:
    """The rows, every time of them in UTC; nothing is copied."""
    return _with_zone(rows, "UTC")


def without_zone(rows: pa.Table) -> pa.Table:
    """The rows as columns have them: cast by the engine, they would become the machine's local time."""
    return _with_zone(rows, None)


def stored(parameters: Parameters) -> Parameters:
    """The values of a statement as columns have them."""
    if isinstance(parameters, Mapping):
        return {name: _stored(value) for name, value in parameters.items()}
    return [_stored(value) for value in parameters]


def _with_zone(rows: pa.Table, zone: str | None) -> pa.Table:
    for position, field in enumerate(rows.schema):
        wanted = _field(field, zone)
        if wanted.type != field.type:
            rows = rows.set_column(position, wanted, rows.column(position).cast(wanted.type))
    return rows


def _field(field: "pa.Field[Any]", zone: str | None) -> "pa.Field[Any]":
    """The same field, with the zone in every time in it."""
    kind = field.type
    if pa.types.is_timestamp(kind):
        return field.with_type(pa.timestamp(kind.unit, zone))
    if pa.types.is_list(kind):
        return field.with_type(pa.list_(_field(kind.value_field, zone)))
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct([_field(each, zone) for each in kind]))
    return field


def _stored(value: object) -> object:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value
