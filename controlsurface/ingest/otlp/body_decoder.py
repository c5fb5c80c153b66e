"""From the bytes of a body to its message, in either encoding: as a whole, or as far as a first look needs."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, EncodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from controlsurface.errors import BadBody
from controlsurface.ingest.limits import BodyLimits, scan_json, scan_protobuf
from controlsurface.ingest.otlp import json_messages
from controlsurface.ingest.wire import mend_utf8
from controlsurface.ingest.wire.mend_marks import move_marks_to_items
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, Encoding, ExportRequest, Signal

_FIRST_TAG = b"\n"  # every OTLP request starts with its field 1, and JSON seldom with a line feed


@dataclass(frozen=True, slots=True)
class DecodedBody:
    """A message and its bytes; items that could not be read by fault, and how many of the others are marked."""

    wire: bytes
    request: ExportRequest
    rejected: Counter[str] = field(default_factory=Counter)
    mended: int = 0


def decode_body(signal: Signal, body: bytes, encoding: Encoding, limits: BodyLimits) -> DecodedBody:
    """The body as a message. Raises BadBody where it cannot be decoded as a whole, OverLimit."""
    return _protobuf(signal, body, limits) if encoding == "protobuf" else _json(signal, body, limits)


def _protobuf(signal: Signal, body: bytes, limits: BodyLimits) -> DecodedBody:
    scan_protobuf(signal, body, limits)
    kind = EXPORT_REQUESTS[signal]
    try:
        return DecodedBody(body, kind.FromString(body))
    except DecodeError as problem:  # also for messages nested deeper than 100
        if (sound := mend_utf8.mend_protobuf(kind, body)) is None:
            raise BadBody(f"not an {kind.__name__}: {problem}") from None
    request = _decoded(kind, sound)
    mended = move_marks_to_items(signal, request)
    return DecodedBody(request.SerializeToString(), request, mended=mended)


def _json(signal: Signal, body: bytes, limits: BodyLimits) -> DecodedBody:
    """JSON as protobuf; some clients send protobuf and call it JSON."""
    try:
        scan_json(body, limits)
        parsed = json_messages.parse_otlp_json(signal, body, limits)
        mended = move_marks_to_items(signal, parsed.request) if parsed.mended else 0
        wire = parsed.request.SerializeToString()
    except EncodeError as problem:
        raise BadBody(f"JSON body: {problem}") from None
    except BadBody:
        if body.startswith(_FIRST_TAG):
            return _protobuf(signal, body, limits)
        raise
    return DecodedBody(wire, _decoded(EXPORT_REQUESTS[signal], wire), parsed.rejected, mended)


def _decoded(kind: type[ExportRequest], wire: bytes) -> ExportRequest:
    try:
        return kind.FromString(wire)
    except DecodeError as problem:
        raise BadBody(f"not an {kind.__name__}: {problem}") from None


_PACKAGE = "controlsurface.partial"
_PARTIAL = {
    f".{kind.DESCRIPTOR.full_name}": kind.DESCRIPTOR
    for kind in (ExportTraceServiceRequest, ResourceSpans, ScopeSpans, Span)
}
_OPAQUE = {
    FieldDescriptorProto.TYPE_STRING: FieldDescriptorProto.TYPE_BYTES,
    FieldDescriptorProto.TYPE_MESSAGE: FieldDescriptorProto.TYPE_BYTES,
    FieldDescriptorProto.TYPE_ENUM: FieldDescriptorProto.TYPE_INT32,
}


def _partial_message(descriptor: Descriptor) -> DescriptorProto:
    """The message with all its fields; texts, and messages that the first look does not enter, are bytes."""
    message, whole = DescriptorProto(name=descriptor.name), DescriptorProto()
    descriptor.CopyToProto(whole)
    for each in whole.field:
        kind, opaque = _PARTIAL.get(each.type_name), _OPAQUE.get(each.type, each.type)
        message.field.add(
            name=each.name,
            number=each.number,
            label=each.label,
            type=each.type if kind else opaque,
            type_name=f".{_PACKAGE}.{kind.name}" if kind else None,
        )
    return message


def _partial_request() -> type[Any]:
    """The class of the request, in a pool of its own."""
    messages = [_partial_message(descriptor) for descriptor in _PARTIAL.values()]
    file = FileDescriptorProto(
        name="controlsurface.partial.proto", package=_PACKAGE, syntax="proto3", message_type=messages
    )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{ExportTraceServiceRequest.DESCRIPTOR.name}"))


_PARTIAL_REQUEST = _partial_request()


def decode_partially(wire: bytes) -> Any:
    """An ExportTraceServiceRequest that could be decoded, as far as the first look goes: what spans hold is bytes."""
    return _PARTIAL_REQUEST.FromString(wire)
