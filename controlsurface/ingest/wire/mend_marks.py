"""What mending a body shares, whatever its encoding: what mended text is called, and how its items are marked.

Text that is not Unicode (bytes that are no UTF-8, half of a surrogate pair) costs the bad characters and nothing else:
each becomes U+FFFD. An item that was mended, or whose resource or scope was, says so in the attribute MARK.
"""

import re
from collections.abc import Iterable, Iterator, MutableSequence
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from controlsurface.ingest.wire.otlp_request import ITEM_PLACES, ExportRequest, Signal

MENDED_ATTRIBUTE = "controlsurface.mended"
SURROGATE = re.compile("[\ud800-\udfff]")  # in Python's text these are never part of a pair
REPLACEMENT = "\ufffd"

_MAX_LISTED_NAMES = 8  # that a mark lists
_MAX_NAME_CHARACTERS = 60  # characters of each
_PLURALS = {"attributes": "attribute", "filtered_attributes": "attribute", "events": "event", "links": "link"}
_VALUES = {each.DESCRIPTOR.full_name for each in (AnyValue, ArrayValue, KeyValueList)}

KeyValues = MutableSequence[KeyValue]


def mended_field_name(field: FieldDescriptor, inner: str) -> str:
    """What mended text is called, seen from the message that `field` belongs to; `inner` is its name in the field.

    A span's attribute is `attribute KEY`, an event's `event attribute KEY`, a status's `status message`.
    """
    if field.containing_type and field.containing_type.full_name in _VALUES:
        return inner
    return f"{_PLURALS.get(field.name, field.name)} {inner}".rstrip()


def mended_value_name(key: str) -> str:
    """What text in the value of an attribute is called."""
    return SURROGATE.sub(REPLACEMENT, key[:_MAX_NAME_CHARACTERS])


def is_key_value(descriptor: Descriptor) -> bool:
    """Whether a message is a key and its value, which the key names."""
    return bool(descriptor.full_name == KeyValue.DESCRIPTOR.full_name)


@cache
def mark_holder_path(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """The way from a message to the attributes that bear its mark; empty where the message around it bears it.

    Envelopes leave theirs with the resource or scope, metrics among their metadata, until `move_marks_to_items` moves
    them.
    """
    if {field.name for field in descriptor.fields} & {"spans", "log_records", "metrics", "data_points"}:
        way = "scope"
    elif "resource" in descriptor.fields_by_name:
        way = "resource"
    else:
        own = {"metadata": descriptor.full_name == Metric.DESCRIPTOR.full_name, "attributes": _is_item(descriptor)}
        return tuple(descriptor.fields_by_name[name] for name, held in own.items() if held)
    field = descriptor.fields_by_name.get(way)
    return () if field is None else (field, *mark_holder_path(field.message_type))


def _is_item(descriptor: Descriptor) -> bool:
    """Whether a message stands for itself: events and links are parts of their span, exemplars of their point."""
    parts = ("Event", "Link", "Exemplar")
    return "attributes" in descriptor.fields_by_name and descriptor.name not in parts


def mark_text(names: Iterable[str]) -> str:
    """A mark's text: each name once, in order, with a bound.

    >>> mark_text(["name", "attribute a", "name"])
    'name,attribute a'
    """
    each = [name[:_MAX_NAME_CHARACTERS].rstrip() for name in dict.fromkeys(names)]
    return ",".join([*each[:_MAX_LISTED_NAMES], *(["..."] if len(each) > _MAX_LISTED_NAMES else [])])


def mended_mark(names: Iterable[str]) -> KeyValue:
    """The attribute that says what was mended."""
    return KeyValue(key=MENDED_ATTRIBUTE, value=AnyValue(string_value=mark_text(names)))


def move_marks_to_items(signal: Signal, request: ExportRequest) -> int:
    """Move the marks of resources, scopes and metrics to their items; how many items are marked.

    Points are counted and bear none: their attributes say which series they belong to.
    """
    envelopes, scopes, items = ITEM_PLACES[signal]
    count = 0
    for envelope in getattr(request, envelopes):
        resource = _taken(envelope, "resource")
        for scope in getattr(envelope, scopes):
            around = [*resource, *_taken(scope, "scope")]
            count += sum(_settled(item, around) for item in getattr(scope, items))
    return count


def _taken(envelope: Any, name: str) -> list[str]:
    """The mark of a resource or scope, taken off."""
    if not envelope.HasField(name):
        return []
    found = _off(getattr(envelope, name).attributes)
    if found and not getattr(envelope, name).ByteSize():  # it was made to bear the mark
        envelope.ClearField(name)
    return [each if each == "schema_url" else f"{name} {each}" for each in found]


def _settled(item: Any, around: list[str]) -> int:
    """Items marked: one for a span or log record, for a metric as many as it has points."""
    if isinstance(item, Metric):
        shared = [*around, *_off(item.metadata)]
        return sum(bool(_off(point.attributes) or shared) for point in metric_data_points(item))
    attributes = item.attributes
    if around:
        attributes.append(mended_mark([*around, *_off(attributes)]))
    return bool(attributes) and attributes[-1].key == MENDED_ATTRIBUTE


def metric_data_points(metric: Metric) -> Iterator[Any]:
    """A metric's data points, of whatever kind."""
    kind = metric.WhichOneof("data")
    return iter(getattr(metric, kind).data_points if kind else ())


def _off(attributes: KeyValues) -> list[str]:
    """The names of all marks among attributes, which lose them."""
    at = [n for n, each in enumerate(attributes) if each.key == MENDED_ATTRIBUTE]
    names = [name for n in at for name in attributes[n].value.string_value.split(",") if name]
    for n in reversed(at):
        del attributes[n]
    return names
