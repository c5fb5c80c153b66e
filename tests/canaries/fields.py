"""Every text and bytes field of OTLP by its way from the request, out of the protobuf descriptors."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, SIGNALS, Signal

Way = tuple[FieldDescriptor, ...]

DEEPEST = 3  # values inside of values
IDS = {"trace_id": bytes(15) + b"\x01", "span_id": bytes(7) + b"\x01"}
_VALUES = {"AnyValue", "ArrayValue", "KeyValueList"}


def ways() -> Iterator[tuple[Signal, Way]]:
    """All of them, of each signal; of values at every depth up to DEEPEST."""
    for signal in SIGNALS:
        yield from ((signal, way) for way in _ways(EXPORT_REQUESTS[signal].DESCRIPTOR, ()))


def _ways(descriptor: Descriptor, before: Way) -> Iterator[Way]:
    if sum(each.message_type is not None and each.message_type.name == "AnyValue" for each in before) > DEEPEST:
        return
    for field in descriptor.fields:
        if field.message_type:
            yield from _ways(field.message_type, (*before, field))
        elif field.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}:
            yield (*before, field)


def name(way: Way) -> str:
    return ".".join(each.name for each in way)


def planted(signal: Signal, way: Way, text: str, key: str = "") -> Message:
    """A request that has the text there and whatever else makes its item one that is accepted."""
    request = EXPORT_REQUESTS[signal]()
    place: Any = request
    for field in way[:-1]:
        inside = getattr(place, field.name)
        place = inside.add() if field.is_repeated else inside
        place.SetInParent()
        _identify(place)
        if place.DESCRIPTOR.name == "KeyValue":
            place.key = key
    _put(place, way[-1], text)
    _with_an_item(request)
    return request


def _put(place: Any, field: FieldDescriptor, text: str) -> None:
    given = text if field.type == FieldDescriptor.TYPE_STRING else text.encode()
    if field.is_repeated:
        getattr(place, field.name).append(given)
    else:
        setattr(place, field.name, given)


def _identify(message: Any) -> None:
    for name_, identity in IDS.items():
        if name_ in message.DESCRIPTOR.fields_by_name and message.DESCRIPTOR.name in {"Span", "Link"}:
            setattr(message, name_, identity)


def _with_an_item(request: Any) -> None:
    """Where the text is in what surrounds items, an item, since a body without any is not kept."""
    (envelopes,) = request.DESCRIPTOR.fields
    envelope = getattr(request, envelopes.name)[0]
    scopes = envelope.DESCRIPTOR.fields[1]
    scope = next(iter(getattr(envelope, scopes.name)), None) or getattr(envelope, scopes.name).add()
    items = getattr(scope, scope.DESCRIPTOR.fields[1].name)
    item = items.add()
    _identify(item)
    if item.DESCRIPTOR.name == "Span":
        item.span_id = bytes(7) + b"\x02"
    if item.DESCRIPTOR.name == "Metric":
        item.gauge.data_points.add(as_int=1)
