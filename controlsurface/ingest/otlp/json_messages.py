"""OTLP/JSON to protobuf messages: lowerCamelCase names, hex ids, 64-bit numbers exact, unknown fields ignored.

Built from the message descriptors, so no field of OTLP can be forgotten
(opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding"). An item (span, log record, data point) that
cannot be read is left out alone; values are read in json_values.py.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from controlsurface.errors import BadBody
from controlsurface.ingest.limits import DEFAULT_BODY_LIMITS, BodyLimits
from controlsurface.ingest.otlp import json_values
from controlsurface.ingest.wire.mend_marks import (
    MENDED_ATTRIBUTE,
    is_key_value,
    mark_holder_path,
    mark_text,
    mended_field_name,
    mended_value_name,
)
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, ExportRequest, Signal

_ITEMS = {
    "Span",
    "LogRecord",
    "NumberDataPoint",
    "HistogramDataPoint",
    "ExponentialHistogramDataPoint",
    "SummaryDataPoint",
}
_ENVELOPES = {
    "Metric",
    *(f"{around}{what}" for around in ("Resource", "Scope") for what in ("Spans", "Logs", "Metrics")),
}
_HOLD_ITEMS = {"spans", "logRecords", "dataPoints"}
_MAX_LISTED_FAULTS = 10  # told apart; a sender reads one line, and some give up over long answers
_VALUE = AnyValue.DESCRIPTOR.full_name


@dataclass(slots=True)
class ParsedMessage:
    """A message, the items left out by fault, and whether something in it was mended and is marked."""

    request: ExportRequest
    rejected: Counter[str] = field(default_factory=Counter)
    mended: bool = False


@dataclass(slots=True)
class _Reading:
    """What goes with one pass: names of mended texts not yet marked, and items left out."""

    limits: BodyLimits
    items: int = 0
    names: list[str] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    mended: bool = False

    def hold(self, items: int) -> None:
        """So many items more. Raises OverLimit where these are too many."""
        self.items += items
        self.limits.items(self.items)

    def reject(self, problem: BadBody, items: int) -> None:
        """Items cannot be read."""
        fault = str(problem)
        known = fault in self.rejected or len(self.rejected) < _MAX_LISTED_FAULTS
        self.rejected[fault if known else "other faults"] += items


FieldReader = Callable[[Any, _Reading], Any]


def parse_otlp_json(signal: Signal, body: bytes, limits: BodyLimits = DEFAULT_BODY_LIMITS) -> ParsedMessage:
    """The body as a message; ids of the wrong form have one byte. Raises BadBody naming the place, OverLimit."""
    kind = EXPORT_REQUESTS[signal]
    document = json_values.parse_json(body)
    if document == []:
        raise BadBody(f"expected an object for {kind.DESCRIPTOR.name}, not []")
    reading = _Reading(limits)
    try:
        request = kind(**_object(kind.DESCRIPTOR, document, reading))
    except RecursionError:
        raise BadBody("JSON nested too deep") from None
    except (ValueError, TypeError) as problem:
        raise BadBody(f"JSON body: {problem}") from None
    return ParsedMessage(request, reading.rejected, reading.mended)


def _object(descriptor: Descriptor, value: Any, reading: _Reading) -> dict[str, Any]:
    """A JSON object as the message's keyword arguments."""
    if not isinstance(value, dict):
        if value == []:  # how PHP writes an object without members
            return {}
        raise BadBody(f"expected an object for {descriptor.name}, not {json_values.abbreviated_value(value)}")
    readers = _readers(descriptor)
    found = {}
    begin = len(reading.names)
    for name, each in value.items():
        if each is not None and name in readers:
            member, read = readers[name]
            before = len(reading.names)
            try:
                found[member.name] = read(each, reading)
            except BadBody as problem:
                raise BadBody(f"{name}: {problem}") from None
            if len(reading.names) > before:
                reading.names[before:] = [mended_field_name(member, inner) for inner in reading.names[before:]]
    if len(reading.names) > begin:
        _name(descriptor, found, reading, begin)
    return found


def _name(descriptor: Descriptor, found: dict[str, Any], reading: _Reading, begin: int) -> None:
    """Call what was mended in an attribute by its key, and mark what bears marks."""
    names = reading.names[begin:]
    if is_key_value(descriptor):
        reading.names[begin:] = ["key"] if "key" in names else [mended_value_name(found.get("key", ""))]
        return
    way = mark_holder_path(descriptor)
    if not way:
        return
    for step in way[:-1]:
        found = found.setdefault(step.name, {})
    found.setdefault(way[-1].name, []).append({"key": MENDED_ATTRIBUTE, "value": {"string_value": mark_text(names)}})
    del reading.names[begin:]
    reading.mended = True


def _value(descriptor: Descriptor, value: Any, reading: _Reading) -> dict[str, Any]:
    """An AnyValue; what does not fit the kind it names is kept as the kind it has, and named as mended."""
    if not isinstance(value, dict) and value != []:
        reading.names.append("")
        return json_values.untyped_any_value(value)
    try:
        return _object(descriptor, value, reading)
    except BadBody:
        kinds = [name for name in _readers(descriptor) if value.get(name) is not None]
        if len(kinds) != 1 or isinstance(value[kinds[0]], dict | list):
            raise
        reading.names.append("")
        return json_values.coerced_any_value(kinds[0], value[kinds[0]])


@cache
def _readers(descriptor: Descriptor) -> dict[str, tuple[FieldDescriptor, FieldReader]]:
    """By JSON name: the field and how to read it."""
    return {each.json_name: (each, _reader(each)) for each in descriptor.fields}


def _reader(field: FieldDescriptor) -> FieldReader:
    message = field.message_type
    if message and message.full_name == _VALUE:
        one: FieldReader = partial(_value, message)
    elif message:
        one = partial(_object, message)
    elif field.type == FieldDescriptor.TYPE_STRING:
        one = _text
    else:
        one = partial(_scalar, json_values.scalar_reader(field))
    if not field.is_repeated:
        return one
    if message and message.name in _ITEMS:
        return partial(_items, one)
    if message and message.name in _ENVELOPES:
        return partial(_envelopes, int(message.name == "Metric"), one)
    return partial(_list, {} if message and message.full_name == _VALUE else None, one)


def _scalar(read: Callable[[Any], Any], value: Any, _: _Reading) -> Any:
    return read(value)


def _text(value: Any, reading: _Reading) -> str:
    text, mended = json_values.read_json_text(value)
    if mended:
        reading.names.append("")
    return text


def _list(null: Any, read: FieldReader, value: Any, reading: _Reading) -> list[Any]:
    """A list; null in it is what `null` says, and nothing where that is None."""
    given = [null if each is None else each for each in _sequence(value)]
    return [read(each, reading) for each in given if each is not None]


def _items(read: FieldReader, value: Any, reading: _Reading) -> list[Any]:
    """The items that can be read; the others are rejected."""
    found = []
    reading.hold(len(_sequence(value)))
    for each in value:
        before = len(reading.names)
        try:
            found.append(read(each, reading))
        except BadBody as problem:
            del reading.names[before:]
            reading.reject(problem, 1)
    return found


def _envelopes(least: int, read: FieldReader, value: Any, reading: _Reading) -> list[Any]:
    """What holds items, and can be read; what cannot is rejected with its items. Raises BadBody where it has none."""
    found = []
    reading.hold(len(_sequence(value)))
    for each in value:
        before, rejected = len(reading.names), reading.rejected.copy()
        try:
            found.append(read(each, reading))
        except BadBody as problem:
            if not (items := max(_held(each), least)):
                raise
            del reading.names[before:]
            reading.rejected = rejected  # those inside are counted with the whole
            reading.reject(problem, items)
    return found


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadBody(f"expected a list, not {json_values.abbreviated_value(value)}")
    return value


def _held(value: Any) -> int:
    """How many items a part of a document holds."""
    if isinstance(value, list):
        return sum(map(_held, value))
    if not isinstance(value, dict):
        return 0
    return sum(
        len(each) if name in _HOLD_ITEMS and isinstance(each, list) else _held(each) for name, each in value.items()
    )
