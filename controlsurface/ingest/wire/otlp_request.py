"""An OTLP request as it comes over the wire: its signal, its encoding, its compression and its body."""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controlsurface import config
from controlsurface.errors import BadBody, TooLarge

Signal = Literal["traces", "logs", "metrics"]
Encoding = Literal["protobuf", "json"]
ExportRequest = ExportTraceServiceRequest | ExportLogsServiceRequest | ExportMetricsServiceRequest

SIGNALS: tuple[Signal, ...] = get_args(Signal)
EXPORT_REQUESTS: dict[Signal, type[ExportRequest]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
# Where the items of a request lie: its envelopes, the scopes in each, the items in each.
ITEM_PLACES: dict[Signal, tuple[str, str, str]] = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
}


def request_items(signal: Signal, request: ExportRequest) -> Iterator[Any]:
    """The spans, log records or metrics of a request."""
    envelopes, scopes, items = ITEM_PLACES[signal]
    return (each for e in getattr(request, envelopes) for s in getattr(e, scopes) for each in getattr(s, items))


_GZIP = zlib.MAX_WBITS | 16
# RFC 9110, section 8.4.1
CONTENT_CODINGS = {"identity": None, "gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}
_MAX_GZIP_MEMBERS = 100  # each costs a copy of what follows it; exporters write one


def decompress_body(body: bytes, coding: str, limit: int) -> bytes:
    """The body as it was before `coding`, one of CODINGS. Raises TooLarge over `limit` bytes, BadBody where damaged."""
    bits = CONTENT_CODINGS[coding]
    if bits is None or not body:
        return body
    parts: list[bytes] = []
    room = limit
    while body:  # gzip allows several members, one after the other
        member = zlib.decompressobj(bits)
        try:
            parts.append(member.decompress(body, room + 1))
        except zlib.error as problem:
            raise BadBody(f"the body is not {coding}: {problem}") from None
        room -= len(parts[-1])
        if room < 0:
            raise TooLarge(f"the body is larger than {limit} bytes after decompression")
        if not member.eof:
            raise BadBody(f"the body ends in the middle of its {coding}")
        if len(parts) == _MAX_GZIP_MEMBERS:
            raise BadBody(f"the body has {_MAX_GZIP_MEMBERS} or more {coding} members")
        body = member.unused_data
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class RequestBody:
    """An OTLP request as sent; `limit` is in bytes, after undoing `coding`.

    Its sender waits `patience_s` for the answer and then sends it again, so later the work would be done twice.
    """

    signal: Signal
    data: bytes
    encoding: Encoding = "protobuf"
    coding: str = "identity"
    limit: int = 64 * config.MIB
    patience_s: float = math.inf

    def plain(self) -> bytes:
        """The data as they were before `coding`. Raises BadBody, TooLarge."""
        return decompress_body(self.data, self.coding, self.limit)
