"""Requests with every field of OTLP set, each text a token of its own, so that a changed one is found again."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, ExportRequest, Signal
from tests.ingest.otlp_bodies import SPAN, TRACE

IDS = {"trace_id": TRACE, "span_id": SPAN, "parent_span_id": SPAN}
TOKEN = 8  # characters, and bytes


def filled(signal: Signal) -> ExportRequest:
    """A request that uses every field, two items of each list."""
    request = EXPORT_REQUESTS[signal]()
    _fill(request, count(), 0)
    return request


def as_json(request: ExportRequest) -> bytes:
    """The same as OTLP/JSON, whose ids are hex."""
    tree = json_format.MessageToDict(request)
    _hex(tree)
    return json.dumps(tree).encode()


def _hex(tree: Any) -> None:
    for each in tree if isinstance(tree, list) else [*tree.values()]:
        if isinstance(each, dict | list):
            _hex(each)
    if isinstance(tree, dict):
        ids = {"traceId": TRACE, "spanId": SPAN, "parentSpanId": SPAN}
        tree.update({name: ids[name].hex() for name in ids.keys() & tree.keys()})


def _fill(message: Message, numbers: Iterator[int], depth: int) -> None:
    done = set()
    for field in _chosen(message, numbers, depth):
        if field.containing_oneof and field.containing_oneof.name in done:
            continue
        done.add(field.containing_oneof.name if field.containing_oneof else field.name)
        if field.message_type:
            owners = [getattr(message, field.name)]
            if field.is_repeated:
                owners = [owners[0].add(), owners[0].add()]
            for each in owners:
                each.SetInParent()
                _fill(each, numbers, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).append(_scalar(field, numbers))
        else:
            setattr(message, field.name, _scalar(field, numbers))


def _chosen(message: Message, numbers: Iterator[int], depth: int) -> list[FieldDescriptor]:
    """Of a choice another member each time; deep values are text."""
    fields: list[Any] = list(message.DESCRIPTOR.fields)
    if isinstance(message, AnyValue) and depth > 8:
        return fields[:1]
    turn = next(numbers) % len(fields) if message.DESCRIPTOR.oneofs else 0
    return fields[turn:] + fields[:turn]


def _scalar(field: FieldDescriptor, numbers: Iterator[int]) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return f"<{next(numbers):06d}>"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return IDS.get(field.name, b"\xff\x00bytes\xfe")
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    return 1.5 if field.type == FieldDescriptor.TYPE_DOUBLE else 1


def texts(message: Message) -> Iterator[tuple[Any, FieldDescriptor, int | None]]:
    """Every text that is set: its owner, field, and place in a list."""
    for field, value in message.ListFields():
        if field.message_type:
            for each in value if field.is_repeated else (value,):
                yield from texts(each)
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield from ((message, field, at) for at in (range(len(value)) if field.is_repeated else (None,)))


def put(owner: Any, field: FieldDescriptor, at: int | None, text: str) -> None:
    """Change one text."""
    if at is None:
        setattr(owner, field.name, text)
    else:
        getattr(owner, field.name)[at] = text


def get(owner: Any, field: FieldDescriptor, at: int | None) -> str:
    """One text."""
    found = getattr(owner, field.name)
    return str(found if at is None else found[at])
