"""OTLP/JSON to protobuf messages: lowerCamelCase names, hex ids, 64-bit numbers exact, unknown fields ignored.

Built from the message descriptors, so no field of OTLP can be forgotten
(opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
"""

import base64
import binascii
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from controlsurface.errors import BadBody
from controlsurface.ingest.signals import REQUESTS, Request, Signal

Read = Callable[[Any], Any]
_WRONG_ID = b"?"  # no id has one byte, so that what follows rejects the item and not the body
_IDS = {"trace_id", "span_id", "parent_span_id"}


def parse(signal: Signal, body: bytes) -> Request:
    """The body as a message; ids of the wrong form have one byte. Raises BadBody naming the place."""
    kind = REQUESTS[signal]
    try:
        return kind(**_object(kind.DESCRIPTOR, orjson.loads(body)))
    except orjson.JSONDecodeError as problem:
        raise BadBody(f"not JSON: {problem}") from None
    except RecursionError:
        raise BadBody("JSON nested too deep") from None
    except (ValueError, TypeError) as problem:
        raise BadBody(f"JSON body: {problem}") from None


def _object(descriptor: Descriptor, value: Any) -> dict[str, Any]:
    """A JSON object as the message's keyword arguments."""
    if not isinstance(value, dict):
        raise BadBody(f"expected an object for {descriptor.name}, not {_short(value)}")
    readers = _readers(descriptor)
    found = {}
    for name, each in value.items():
        if each is not None and name in readers:
            field, read = readers[name]
            try:
                found[field] = read(each)
            except BadBody as problem:
                raise BadBody(f"{name}: {problem}") from None
    return found


@cache
def _readers(descriptor: Descriptor) -> dict[str, tuple[str, Read]]:
    """By JSON name: the field and how to read it."""
    return {field.json_name: (field.name, _reader(field)) for field in descriptor.fields}


def _reader(field: FieldDescriptor) -> Read:
    if field.message_type:
        one: Read = partial(_object, field.message_type)
    elif field.enum_type:
        one = partial(_enum, {value.name: value.number for value in field.enum_type.values})
    elif field.name in _IDS:
        one = _id
    else:
        one = _SCALARS[field.type]
    return partial(_list, one) if field.is_repeated else one


def _list(read: Read, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadBody(f"expected a list, not {_short(value)}")
    return [read(each) for each in value]


def _id(value: Any) -> bytes:
    """Ids are hex in either case, never base64."""
    try:
        return binascii.unhexlify(value)
    except (ValueError, TypeError):
        return _WRONG_ID


def _enum(names: dict[str, int], value: Any) -> int:
    """The specification wants integers; some senders write the name, which can mean only one thing."""
    return names[value] if isinstance(value, str) and value in names else _int(value)


def _int(value: Any) -> int:
    """An integer, as a number or as decimal text; exact beyond 2^53."""
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= 1 << 53:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadBody(f"expected an integer, not {_short(value)}")


def _double(value: Any) -> float:
    """A number, its decimal text, or one of NaN, Infinity, -Infinity."""
    if not isinstance(value, bool | int | float | str) or isinstance(value, bool):
        raise BadBody(f"expected a number, not {_short(value)}")
    try:
        return float(value)
    except ValueError:
        raise BadBody(f"expected a number, not {_short(value)}") from None


def _exactly(kind: type, name: str, value: Any) -> Any:
    if not isinstance(value, kind):
        raise BadBody(f"expected {name}, not {_short(value)}")
    return value


def _bytes(value: Any) -> bytes:
    """Standard or URL-safe base64, as in all protobuf JSON."""
    text = _exactly(str, "base64 text", value).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise BadBody(f"expected base64, not {_short(value)}") from None


def _short(value: Any) -> str:
    return repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}..."


_SCALARS: dict[int, Read] = {
    FieldDescriptor.TYPE_STRING: partial(_exactly, str, "text"),
    FieldDescriptor.TYPE_BOOL: partial(_exactly, bool, "true or false"),
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_DOUBLE: _double,
    **dict.fromkeys(
        (
            FieldDescriptor.TYPE_INT32,
            FieldDescriptor.TYPE_SINT32,
            FieldDescriptor.TYPE_UINT32,
            FieldDescriptor.TYPE_FIXED32,
            FieldDescriptor.TYPE_INT64,
            FieldDescriptor.TYPE_UINT64,
            FieldDescriptor.TYPE_FIXED64,
            FieldDescriptor.TYPE_SFIXED64,
        ),
        _int,
    ),
}
