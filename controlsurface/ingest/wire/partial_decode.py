"""Trace exports decoded no further than a first look needs: attributes, events and texts stay bytes as on the wire.

A message for each attribute costs more than all else in a check, and nearly every attribute is let through for its key
alone. Field numbers are those of opentelemetry-proto, trace.proto.
"""

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "controlsurface.lean"
_BYTES, _MESSAGE = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_MESSAGE
_ONE, _MANY = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED

# Message: (field, number, whether repeated, its message if it is one)
_SHAPE: dict[str, tuple[tuple[str, int, bool, str], ...]] = {
    "Span": (
        ("trace_id", 1, False, ""),
        ("span_id", 2, False, ""),
        ("trace_state", 3, False, ""),
        ("parent_span_id", 4, False, ""),
        ("name", 5, False, ""),
        ("attributes", 9, True, ""),
        ("events", 11, True, ""),
        ("links", 13, True, ""),
        ("status", 15, True, ""),  # repeated: a message that came twice is merged, and bytes would not be
    ),
    "ScopeSpans": (("spans", 2, True, "Span"),),
    "ResourceSpans": (("scope_spans", 2, True, "ScopeSpans"),),
    "Request": (("resource_spans", 1, True, "ResourceSpans"),),
}


def _described(name: str, fields: Iterable[tuple[str, int, bool, str]]) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for field, number, many, kind in fields:
        message.field.add(
            name=field,
            number=number,
            label=_MANY if many else _ONE,
            type=_MESSAGE if kind else _BYTES,
            type_name=f".{_PACKAGE}.{kind}" if kind else None,
        )
    return message


def _request() -> type[Any]:
    """The class of the request, in a pool of its own."""
    messages = [_described(name, fields) for name, fields in _SHAPE.items()]
    file = FileDescriptorProto(
        name="controlsurface/lean.proto", package=_PACKAGE, syntax="proto3", message_type=messages
    )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Request"))


_REQUEST = _request()


def decode_partially(wire: bytes) -> Any:
    """An ExportTraceServiceRequest that could be decoded, as far as the first look goes."""
    return _REQUEST.FromString(wire)
