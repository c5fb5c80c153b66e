"""Simulated requests as spans of the OpenTelemetry SDK, exported by its OTLP exporter in order and in large batches."""

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode

from controlsurface.demo.body_exporter import BodyExporter
from controlsurface.demo.otlp_bodies import EncodedBody, EncodedSpans
from controlsurface.demo.request_spans import SimulatedCall, SimulatedRequest
from controlsurface.errors import BadRequest, Unreachable

_SERVICES = ("assistant-api", "pipeline-api")


class _PlannedIds(IdGenerator):
    """Hands out the ids that the simulation has set."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class _Collected(SpanProcessor):
    """Keeps ended spans until they are taken."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class SdkTracing:
    """One SDK tracer for each simulated service; ended spans wait in `take()`."""

    def __init__(self) -> None:
        self._ids = _PlannedIds()
        self._collected = _Collected()
        self._tracers: Mapping[str, trace.Tracer] = {service: self._tracer(service) for service in _SERVICES}

    def record(self, request: SimulatedRequest) -> int:
        """Make the spans of one request; how many now wait."""
        tracer = self._tracers[request.service]
        self._ids.trace_id, self._ids.span_id = request.trace_id, request.span_id
        root = tracer.start_span(
            "route", Context(), SpanKind.SERVER, request.attributes, start_time=request.start_ns, record_exception=False
        )
        below = trace.set_span_in_context(root, Context())
        for call in request.calls:
            self._call(tracer, call, below)
        if request.error:
            root.set_attribute("error.type", request.error)
            root.set_status(Status(StatusCode.ERROR))
        root.end(request.end_ns)
        return len(self._collected.spans)

    def take(self) -> list[ReadableSpan]:
        """All spans that wait, which then no longer do."""
        taken, self._collected.spans = self._collected.spans, []
        return taken

    def _call(self, tracer: trace.Tracer, call: SimulatedCall, below: Context) -> None:
        self._ids.span_id = call.span_id
        span = tracer.start_span(call.name, below, SpanKind.CLIENT, call.attributes, start_time=call.start_ns)
        if call.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(call.end_ns)

    def _tracer(self, service: str) -> trace.Tracer:
        provider = TracerProvider(ALWAYS_ON, Resource({"service.name": service}), False, id_generator=self._ids)
        provider.add_span_processor(self._collected)
        return provider.get_tracer("controlsurface.demo")


_log = logging.getLogger(__name__)

BATCH_SPANS = 2_000  # spans of one export
BODY_SPANS = 5_000  # spans of one body of history, some 3 MB
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
    if _speaks_grpc(address):
        secure = address.scheme in {"grpcs", "https"}
        return GrpcExporter(f"{address.hostname}:{_port(address)}", insecure=not secure, headers=tuple(headers.items()))
    return HttpExporter(_traces_url(address), headers=headers, compression=Compression.NoCompression)


def history_exporter(endpoint: str, token: str, stop: threading.Event) -> "DemoSpanExporter":
    """For weeks at once: large bodies without the SDK where the endpoint speaks HTTP. Raises as `otlp_exporter`."""
    address = _address(endpoint)
    if _speaks_grpc(address):
        return DemoSpanExporter(otlp_exporter(endpoint, token), stop)
    _must_listen(address, endpoint)
    return DemoSpanExporter(BodyExporter(_traces_url(address), token), stop, EncodedSpans(), BODY_SPANS)


def _speaks_grpc(address: SplitResult) -> bool:
    return address.scheme in {"grpc", "grpcs"} or address.port == _GRPC_PORT


def _traces_url(address: SplitResult) -> str:
    path = address.path if address.path.endswith("/v1/traces") else f"{address.path.rstrip('/')}/v1/traces"
    return f"{address.scheme}://{address.hostname}:{_port(address)}{path}"


class DemoSpanExporter:
    """Takes requests and exports their spans from a thread of its own; leaving the block waits for the last export."""

    def __init__(
        self,
        exporter: SpanExporter | BodyExporter,
        stop: threading.Event,
        tracing: SdkTracing | EncodedSpans | None = None,
        batch_spans: int = BATCH_SPANS,
    ) -> None:
        self._exporter: Any = exporter
        self._stop = stop
        self._tracing: SdkTracing | EncodedSpans = tracing or SdkTracing()
        self._batch_spans = batch_spans
        self._sender = ThreadPoolExecutor(1, "demo-export")
        self._under_way: deque[Future[int]] = deque()
        self.sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._exporter.shutdown()
            self._sender.shutdown(cancel_futures=True)

    def add(self, request: SimulatedRequest) -> None:
        """Record a request; export when a batch is full."""
        if self._tracing.record(request) >= self._batch_spans:
            self._hand_over(MAX_QUEUED_EXPORTS)

    def flush(self) -> None:
        """Export what waits and come back when it is answered. Raises Unreachable."""
        self._hand_over(0)

    def _hand_over(self, leave: int) -> None:
        if spans := self._tracing.take():
            self._under_way.append(self._sender.submit(self._export, spans))
        while len(self._under_way) > leave:
            self.sent += self._under_way.popleft().result()

    def _export(self, spans: Sequence[ReadableSpan] | EncodedBody) -> int:
        """Export until taken; 0 spans when stopped before. A repeat is harmless: receivers know spans by their ids."""
        give_up = time.monotonic() + RETRY_TIMEOUT_S
        while self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            if time.monotonic() > give_up:
                text = f"the endpoint has taken nothing for {RETRY_TIMEOUT_S:g} s"
                raise Unreachable(f"{text}; see the exporter's messages above")
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
