"""JSON documents and single values of OTLP/JSON, read as they are written, and else as they can only be meant."""

import base64
import binascii
import codecs
import json
import re
import reprlib
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import Any

import orjson
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from controlsurface.errors import BadBody
from controlsurface.ingest.wire.mend_marks import REPLACEMENT, SURROGATE

_DECODE_ERROR_HANDLER = "controlsurface.surrogate"
_ILL_FORMED_CHARACTER = "\udfff"  # stands for one ill-formed part, the one that errors="replace" would make U+FFFD of
_MAX_INTEGER_DIGITS = 300  # what is written with more is a float, and mostly Infinity


def parse_json(body: bytes) -> Any:
    """The document. Raises BadBody."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        try:
            return _lenient(body)
        except RecursionError:
            raise BadBody("JSON nested too deep") from None
        except ValueError:
            raise BadBody(f"not JSON: {problem}") from None


def _lenient(body: bytes) -> Any:
    text = body.decode(json.detect_encoding(body), _DECODE_ERROR_HANDLER).removeprefix("\ufeff").rstrip("\0 \t\r\n")
    return json.loads(text, strict=False, parse_int=_bounded_int)


def _bounded_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else float(digits)


def _marked(problem: UnicodeError) -> tuple[str, int]:
    """Python's handler of ill-formed parts: one lone surrogate for each."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return _ILL_FORMED_CHARACTER, problem.end


codecs.register_error(_DECODE_ERROR_HANDLER, _marked)

ScalarReader = Callable[[Any], Any]
_WRONG_ID = b"?"  # no id has one byte, so that what follows rejects the item and not the body
_IDS = {"trace_id", "span_id", "parent_span_id"}
_BRIEF = reprlib.Repr()  # of a list of a million numbers its beginning
_BRIEF.maxstring = _BRIEF.maxlong = _BRIEF.maxother = 80
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,4})?")


def scalar_reader(field: FieldDescriptor) -> ScalarReader:
    """How to read a field that is neither text nor a message. The reader raises BadBody."""
    if field.enum_type:
        return partial(_enum, _names(field.enum_type))
    return _id if field.name in _IDS else _SCALARS[field.type]


def read_json_text(value: Any) -> tuple[str, bool]:
    """Text, and whether parts that are not Unicode were replaced. Raises BadBody."""
    if not isinstance(value, str):
        raise BadBody(f"expected text, not {abbreviated_value(value)}")
    if value.isascii() or not SURROGATE.search(value):
        return value, False
    return SURROGATE.sub(REPLACEMENT, value), True


def untyped_any_value(value: Any) -> dict[str, Any]:
    """A value without its kind as an AnyValue of the kind that it has. Raises BadBody for lists.

    >>> untyped_any_value(3), untyped_any_value(True), untyped_any_value("x"), untyped_any_value(1.5)
    ({'int_value': 3}, {'bool_value': True}, {'string_value': 'x'}, {'double_value': 1.5})
    """
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, str):
        return {"string_value": read_json_text(value)[0]}
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return {"int_value": value}
    if isinstance(value, int | float):
        return {"double_value": float(value)}
    raise BadBody(f"expected an object for AnyValue, not {abbreviated_value(value)}")


def coerced_any_value(kind: str, value: Any) -> dict[str, Any]:
    """What a value can only mean that is not of the kind it names: a number is one in quotes too, and text anything.

    >>> coerced_any_value("intValue", "1.5"), coerced_any_value("stringValue", 5)
    ({'double_value': 1.5}, {'string_value': '5'})
    >>> coerced_any_value("boolValue", "True"), coerced_any_value("intValue", "n/a")
    ({'bool_value': True}, {'string_value': 'n/a'})
    """
    if kind == "stringValue":
        return {"string_value": str(value).lower() if isinstance(value, bool) else str(value)}
    if kind == "boolValue" and isinstance(value, str) and value.lower() in {"true", "false"}:
        return {"bool_value": value.lower() == "true"}
    if kind == "intValue" and isinstance(value, str) and _NUMBER.fullmatch(value):
        return {"double_value": float(value)}
    return untyped_any_value(value)


def abbreviated_value(value: Any) -> str:
    """A value as an error shows it."""
    shown = _BRIEF.repr(value).encode("ascii", "backslashreplace").decode()
    return shown if len(shown) <= 40 else f"{shown[:40]}..."


def _id(value: Any) -> bytes:
    """Ids are hex in either case, never base64."""
    try:
        return binascii.unhexlify(value)
    except (ValueError, TypeError):
        return _WRONG_ID


def _names(enum: EnumDescriptor) -> dict[str, int]:
    """By name, as written in full and without what all names of the enum begin with."""
    names = [value.name for value in enum.values]
    prefix = "".join(letters[0] for letters in takewhile(lambda each: len(set(each)) == 1, zip(*names, strict=False)))
    return {name: value.number for value in enum.values for name in (value.name, value.name.removeprefix(prefix))}


def _enum(names: dict[str, int], value: Any) -> int:
    """The specification wants integers; some senders write the name, which can mean only one thing."""
    if isinstance(value, str) and (number := names.get(value.upper())) is not None:
        return number
    return _int(-(1 << 31), 1 << 31, value)


def _int(low: int, high: int, value: Any) -> int:
    """An integer from `low` to below `high`, as a number, as decimal text or as two halves; exact beyond 2^53."""
    number = _whole(value)
    if number is None:
        raise BadBody(f"expected an integer, not {abbreviated_value(value)}")
    if not low <= number < high:
        raise BadBody(f"expected an integer of {(high - low).bit_length() - 1} bits, not {abbreviated_value(value)}")
    return number


def _whole(value: Any) -> int | None:
    """What a JSON value says as an integer; None where it says none."""
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            return int(value) if len(digits) <= 300 else None
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, dict) and {"low", "high"} <= value.keys():  # as protobuf.js keeps 64 bits
        low, high = value["low"], value["high"]
        if type(low) is int and type(high) is int:
            return (high & 0xFFFF_FFFF) << 32 | low & 0xFFFF_FFFF
    return None


def _double(value: Any) -> float:
    """A number, its decimal text, or one of NaN, Infinity, -Infinity."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return float(_exactly(str, "a number", value))
    except ValueError:
        raise BadBody(f"expected a number, not {abbreviated_value(value)}") from None


def _exactly(kind: type, name: str, value: Any) -> Any:
    if not isinstance(value, kind):
        raise BadBody(f"expected {name}, not {abbreviated_value(value)}")
    return value


def _bytes(value: Any) -> bytes:
    """Standard or URL-safe base64, as in all protobuf JSON."""
    given = _exactly(str, "base64 text", value).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(given + "=" * (-len(given) % 4), validate=True)
    except ValueError:
        raise BadBody(f"expected base64, not {abbreviated_value(value)}") from None


_SIGNED32, _UNSIGNED32 = partial(_int, -(1 << 31), 1 << 31), partial(_int, 0, 1 << 32)
_SIGNED64, _UNSIGNED64 = partial(_int, -(1 << 63), 1 << 63), partial(_int, 0, 1 << 64)
_SCALARS: dict[int, ScalarReader] = {
    FieldDescriptor.TYPE_BOOL: partial(_exactly, bool, "true or false"),
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_INT32: _SIGNED32,
    FieldDescriptor.TYPE_SINT32: _SIGNED32,
    FieldDescriptor.TYPE_UINT32: _UNSIGNED32,
    FieldDescriptor.TYPE_FIXED32: _UNSIGNED32,
    FieldDescriptor.TYPE_INT64: _SIGNED64,
    FieldDescriptor.TYPE_SFIXED64: _SIGNED64,
    FieldDescriptor.TYPE_UINT64: _UNSIGNED64,
    FieldDescriptor.TYPE_FIXED64: _UNSIGNED64,
}
