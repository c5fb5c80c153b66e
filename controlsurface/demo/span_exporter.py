"""Spans out, by the SDK's own OTLP exporter: in order, in large batches, retried through outages."""

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from controlsurface.demo.request_spans import SimulatedRequest
from controlsurface.demo.sdk_tracing import SdkTracing
from controlsurface.errors import BadRequest, Unreachable

_log = logging.getLogger(__name__)

BATCH_SPANS = 2_000  # spans of one export
MAX_QUEUED_EXPORTS = 4  # exports waiting for the sender thread
RETRY_TIMEOUT_S = 120.0  # of failures in a row before giving up
_GRPC_PORT = 4317
_PORTS = {"grpc": 4317, "grpcs": 4317, "http": 4318, "https": 4318}


def otlp_exporter(endpoint: str, token: str = "") -> SpanExporter:
    """The exporter an endpoint asks for: `grpc://host:port` or port 4317 is gRPC, other http(s) addresses are HTTP.

    Raises BadRequest for an address of another form, Unreachable when nothing listens there.
    """
    address = _address(endpoint)
    _must_listen(address, endpoint)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if address.scheme in {"grpc", "grpcs"} or address.port == _GRPC_PORT:
        secure = address.scheme in {"grpcs", "https"}
        return GrpcExporter(f"{address.hostname}:{_port(address)}", insecure=not secure, headers=tuple(headers.items()))
    path = address.path if address.path.endswith("/v1/traces") else f"{address.path.rstrip('/')}/v1/traces"
    url = f"{address.scheme}://{address.hostname}:{_port(address)}{path}"
    return HttpExporter(url, headers=headers, compression=Compression.NoCompression)


class DemoSpanExporter:
    """Takes requests and exports their spans from a thread of its own; leaving the block waits for the last export."""

    def __init__(self, exporter: SpanExporter, stop: threading.Event) -> None:
        self._exporter = exporter
        self._stop = stop
        self._tracing = SdkTracing()
        self._sender = ThreadPoolExecutor(1, "demo-export")
        self._under_way: deque[Future[int]] = deque()
        self.sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._exporter.shutdown()
            self._sender.shutdown(cancel_futures=True)

    def add(self, request: SimulatedRequest) -> None:
        """Record a request; export when a batch is full."""
        if self._tracing.record(request) >= BATCH_SPANS:
            self._hand_over(MAX_QUEUED_EXPORTS)

    def flush(self) -> None:
        """Export what waits and come back when it is answered. Raises Unreachable."""
        self._hand_over(0)

    def _hand_over(self, leave: int) -> None:
        if spans := self._tracing.take():
            self._under_way.append(self._sender.submit(self._export, spans))
        while len(self._under_way) > leave:
            self.sent += self._under_way.popleft().result()

    def _export(self, spans: Sequence[ReadableSpan]) -> int:
        """Export until taken; 0 spans when stopped before. A repeat is harmless: receivers know spans by their ids."""
        give_up = time.monotonic() + RETRY_TIMEOUT_S
        while self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            if time.monotonic() > give_up:
                raise Unreachable(
                    f"the endpoint has taken nothing for {RETRY_TIMEOUT_S:g} s; see the exporter's messages above"
                )
            if self._stop.wait(1):
                return 0
        return len(spans)


def _address(endpoint: str) -> SplitResult:
    try:
        address = urlsplit(endpoint)
        known = address.scheme in _PORTS and address.hostname and _port(address)
    except ValueError:
        known = None
    if not known:
        raise BadRequest(f"endpoint '{endpoint}': write http://HOST:4318 or grpc://HOST:4317")
    return address


def _port(address: SplitResult) -> int:
    return address.port or _PORTS[address.scheme]


def _must_listen(address: SplitResult, endpoint: str) -> None:
    try:
        socket.create_connection((address.hostname or "", _port(address)), timeout=5).close()
    except OSError as problem:
        raise Unreachable(f"endpoint '{endpoint}': {problem}; is `controlsurface serve` running?") from None
