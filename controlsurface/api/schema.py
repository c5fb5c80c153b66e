"""JSON schemas of answers, derived from their Arrow columns."""

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from controlsurface.client.query_protocol import ReadEndpoint
from controlsurface.client.result_columns import JSON, OPTIONAL, Column

Schema = dict[str, Any]


def answer_schema(endpoint: ReadEndpoint) -> Schema:
    """What a query's answer is as JSON."""
    row = row_schema(endpoint.schema)
    if endpoint.form == "single":
        return row
    if endpoint.form == "bare":
        return _many(row)
    found = row_schema(endpoint.facts)
    if endpoint.form == "named":
        found["properties"][endpoint.rows] = _many(row)
        found["required"].append(endpoint.rows)
    return found


def row_schema(columns: pa.Schema) -> Schema:
    """An object of these columns.

    >>> row_schema(pa.schema([pa.field("n", pa.int64(), False)]))
    {'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}
    """
    return _object(columns) | _rules(columns.metadata)


def _object(columns: Iterable[Column]) -> Schema:
    fields = list(columns)
    required = [each.name for each in fields if OPTIONAL not in (each.metadata or {})]
    return {"type": "object", "properties": {each.name: _value(each) for each in fields}, "required": required}


def _many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _value(column: Column) -> Schema:
    """What a column's value is."""
    rules = _rules(column.metadata)
    if {"enum", "const"} & {*rules}:
        return rules
    found = _type(column.type)
    return (found | {"type": [found["type"], "null"]} if column.nullable else found) | rules


def _type(kind: pa.DataType) -> Schema:
    """What a value of an Arrow type is, where it is not null."""
    if pa.types.is_struct(kind):
        return _object(kind.fields)
    if pa.types.is_list(kind):
        return _many(_value(kind.value_field))
    if pa.types.is_map(kind):
        texts = pa.types.is_string(kind.item_type)
        return {"type": "object"} | ({"additionalProperties": {"type": "string"}} if texts else {})
    if pa.types.is_timestamp(kind):
        return {"type": "string", "format": "date-time"}
    return {"type": next(name for name, is_one in _PLAIN.items() if is_one(kind))}  # type: ignore[no-untyped-call]


_PLAIN = {
    "string": pa.types.is_string,
    "boolean": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
}


def _rules(metadata: dict[bytes, bytes] | None) -> Schema:
    found: Schema = json.loads((metadata or {}).get(JSON, b"{}"))
    return found
