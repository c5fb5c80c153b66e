"""From the bytes of a body to its message, in either encoding; what had to be mended or left out is counted."""

from collections import Counter
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError, EncodeError

from controlsurface.errors import BadBody
from controlsurface.ingest.limits import BodyLimits, scan_json, scan_protobuf
from controlsurface.ingest.otlp import json_messages
from controlsurface.ingest.wire import mend_utf8
from controlsurface.ingest.wire.mend_marks import move_marks_to_items
from controlsurface.ingest.wire.signals import EXPORT_REQUESTS, Encoding, ExportRequest, Signal

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
