"""From the bytes of a body to its message, in either encoding: as a whole, or as far as a first look needs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, EncodeError
from google.protobuf.message_factory import GetMessageClass

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


def _partial_message(name: str, fields: Iterable[tuple[str, int, bool, str]]) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for field_name, number, many, kind in fields:
        message.field.add(
            name=field_name,
            number=number,
            label=_MANY if many else _ONE,
            type=_MESSAGE if kind else _BYTES,
            type_name=f".{_PACKAGE}.{kind}" if kind else None,
        )
    return message


def _partial_request() -> type[Any]:
    """The class of the request, in a pool of its own."""
    messages = [_partial_message(name, fields) for name, fields in _SHAPE.items()]
    file = FileDescriptorProto(
        name="controlsurface.partial.proto", package=_PACKAGE, syntax="proto3", message_type=messages
    )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Request"))


_PARTIAL_REQUEST = _partial_request()


def decode_partially(wire: bytes) -> Any:
    """An ExportTraceServiceRequest that could be decoded, as far as the first look goes."""
    return _PARTIAL_REQUEST.FromString(wire)
