"""From the bytes of a body to its message, in either encoding; what had to be mended or left out is counted."""

from collections import Counter
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError, EncodeError

from controlsurface.errors import BadBody
from controlsurface.ingest import json_otlp, mend_wire
from controlsurface.ingest.limits import BodyLimits, scan_json, scan_protobuf
from controlsurface.ingest.mend import settle
from controlsurface.ingest.signals import REQUESTS, Encoding, Request, Signal

_FIRST_TAG = b"\n"  # every OTLP request starts with its field 1, and JSON seldom with a line feed


@dataclass(frozen=True, slots=True)
class ReadBody:
    """A message and its bytes; items that could not be read by fault, and how many of the others are marked."""

    wire: bytes
    request: Request
    rejected: Counter[str] = field(default_factory=Counter)
    mended: int = 0


def read(signal: Signal, body: bytes, encoding: Encoding, limits: BodyLimits) -> ReadBody:
    """The body as a message. Raises BadBody where it cannot be decoded as a whole, OverLimit."""
    return _protobuf(signal, body, limits) if encoding == "protobuf" else _json(signal, body, limits)


def _protobuf(signal: Signal, body: bytes, limits: BodyLimits) -> ReadBody:
    scan_protobuf(signal, body, limits)
    kind = REQUESTS[signal]
    try:
        return ReadBody(body, kind.FromString(body))
    except DecodeError as problem:  # also for messages nested deeper than 100
        if (sound := mend_wire.mended(kind, body)) is None:
            raise BadBody(f"not an {kind.__name__}: {problem}") from None
    request = _decoded(kind, sound)
    mended = settle(signal, request)
    return ReadBody(request.SerializeToString(), request, mended=mended)


def _json(signal: Signal, body: bytes, limits: BodyLimits) -> ReadBody:
    """JSON as protobuf; some clients send protobuf and call it JSON."""
    try:
        scan_json(body, limits)
        parsed = json_otlp.parse(signal, body, limits)
        mended = settle(signal, parsed.request) if parsed.mended else 0
        wire = parsed.request.SerializeToString()
    except EncodeError as problem:
        raise BadBody(f"JSON body: {problem}") from None
    except BadBody:
        if body.startswith(_FIRST_TAG):
            return _protobuf(signal, body, limits)
        raise
    return ReadBody(wire, _decoded(REQUESTS[signal], wire), parsed.rejected, mended)


def _decoded(kind: type[Request], wire: bytes) -> Request:
    try:
        return kind.FromString(wire)
    except DecodeError as problem:
        raise BadBody(f"not an {kind.__name__}: {problem}") from None
