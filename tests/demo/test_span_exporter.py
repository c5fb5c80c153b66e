"""Real exporters against real servers: everything arrives once, over either protocol, through outages."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from controlsurface.demo.demo_company import NEXT_VERSION, ROUTER_VERSION, DemoSettings
from controlsurface.demo.router_simulation import simulate_requests
from controlsurface.demo.span_exporter import DemoSpanExporter, SdkTracing, otlp_exporter
from controlsurface.demo.traffic_sender import run_demo, send_backfill, send_live
from controlsurface.errors import BadRequest, Unreachable
from tests.demo.demo_traffic import HOUR, NOW

BUSY = DemoSettings(rate=0.5)


class Received:
    """What a server got; the first answers may be refusals."""

    def __init__(self, *refusals: int) -> None:
        self.refusals = list(refusals)
        self.headers: list[str | None] = []
        self.bodies: list[ExportTraceServiceRequest] = []

    def spans(self) -> list[Span]:
        scopes = (scope for body in self.bodies for resource in body.resource_spans for scope in resource.scope_spans)
        return [span for scope in scopes for span in scope.spans]


@contextmanager
def http_server(received: Received) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = received.refusals.pop(0) if received.refusals else 200
            if status == 200:
                received.headers.append(self.headers["authorization"])
                received.bodies.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def grpc_server(received: Received) -> Iterator[str]:
    class Service(TraceServiceServicer):
        def Export(  # noqa: N802
            self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
        ) -> ExportTraceServiceResponse:
            received.bodies.append(request)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(Service(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}"
    server.stop(0).wait()


def test_spans_of_the_same_seed_are_the_same_bytes() -> None:
    def body() -> bytes:
        tracing = SdkTracing()
        for request in simulate_requests(BUSY, NOW - HOUR, NOW):
            tracing.record(request)
        return encode_spans(tracing.take()).SerializeToString()

    assert body() == body()


def test_spans_keep_the_ids_times_and_parents_of_the_simulation() -> None:
    memory = InMemorySpanExporter()
    requests = list(simulate_requests(BUSY, NOW - HOUR, NOW))
    with DemoSpanExporter(memory, threading.Event()) as outlet:
        for request in requests:
            outlet.add(request)
    roots = {span.context.span_id: span for span in memory.get_finished_spans() if not span.parent}
    for request in requests:
        root = roots[request.span_id]
        assert (root.context.trace_id, root.start_time, root.end_time) == (
            request.trace_id,
            request.start_ns,
            request.end_ns,
        )
    below = {(span.parent.span_id, span.context.span_id) for span in memory.get_finished_spans() if span.parent}
    assert below == {(request.span_id, call.span_id) for request in requests for call in request.calls}


@pytest.mark.parametrize("server", [http_server, grpc_server])
def test_a_history_arrives_whole_over_http_and_over_grpc(server: object) -> None:
    received = Received()
    with server(received) as endpoint:  # type: ignore[operator]
        sent = send_backfill(endpoint, 8 * HOUR, NOW, DemoSettings(rate=0.1), threading.Event())
    requests = list(simulate_requests(DemoSettings(rate=0.1), NOW - 8 * HOUR, NOW))
    expected = [r.span_id for r in requests] + [call.span_id for r in requests for call in r.calls]
    assert sent == len(expected) > 2_000
    assert {int.from_bytes(span.span_id) for span in received.spans()} == set(expected)


def test_an_outage_loses_nothing_and_repeats_nothing_that_was_answered() -> None:
    received = Received(503, 500, 502)
    with http_server(received) as endpoint:
        sent = send_backfill(endpoint, HOUR, NOW, BUSY, threading.Event())
    assert sent == len(received.spans()) == len({span.span_id for span in received.spans()})


def test_a_token_is_sent_as_bearer() -> None:
    received = Received()
    with http_server(received) as endpoint:
        send_backfill(f"{endpoint}/v1/traces", HOUR, NOW, DemoSettings(), threading.Event(), "secret")
    assert received.headers == ["Bearer secret"]


def test_live_traffic_is_exported_as_it_ends_until_the_duration_is_over() -> None:
    received = Received()
    with http_server(received) as endpoint:
        begin = datetime.now(UTC)
        sent = send_live(
            endpoint,
            datetime.now(UTC),
            timedelta(seconds=1),
            DemoSettings(rate=200, rhythm=False),
            threading.Event(),
            "",
        )
    ends: dict[bytes, float] = {}
    for span in received.spans():
        ends[span.trace_id] = max(ends.get(span.trace_id, 0), span.end_time_unix_nano / 1e9)
    assert 100 < len(ends) < 300
    assert begin.timestamp() < min(ends.values()) < max(ends.values()) < datetime.now(UTC).timestamp()
    assert sent == len(received.spans())


def test_live_traffic_without_end_stops_when_told() -> None:
    received, stop = Received(), threading.Event()
    with http_server(received) as endpoint:
        threading.Timer(0.5, stop.set).start()
        assert run_demo(endpoint, rate=100, stop=stop) == len(received.spans()) > 0


@pytest.mark.parametrize(("ago", "versions"), [(HOUR, {NEXT_VERSION}), (None, {ROUTER_VERSION, NEXT_VERSION})])
def test_an_incident_that_began_goes_on_and_a_planned_one_begins(ago: timedelta | None, versions: set[str]) -> None:
    received = Received()
    with http_server(received) as endpoint:
        run_demo(endpoint, rate=100, duration=timedelta(seconds=1), scenario="incident", event_ago=ago)
    attributes = [each for span in received.spans() for each in span.attributes]
    assert {each.value.string_value for each in attributes if each.value.string_value.startswith("2026.4")} == versions


def test_a_stop_ends_the_wait_for_a_server_that_refuses() -> None:
    received, stop = Received(*[500] * 1000), threading.Event()
    with http_server(received) as endpoint:
        threading.Timer(0.3, stop.set).start()
        assert send_backfill(endpoint, HOUR, NOW, BUSY, stop=stop) == 0


@pytest.mark.parametrize("endpoint", ["localhost:4318", "ftp://host:1", "http://", "grpc://host:port", ""])
def test_an_endpoint_of_another_form_is_refused(endpoint: str) -> None:
    with pytest.raises(BadRequest, match="write http://HOST:4318 or grpc://HOST:4317"):
        otlp_exporter(endpoint)


def test_an_endpoint_where_nothing_listens_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="is `controlsurface serve` running"):
        run_demo("http://127.0.0.1:1", backfill=HOUR)


def test_negative_demo_times_are_refused() -> None:
    with pytest.raises(BadRequest, match="cannot be negative"):
        run_demo("http://127.0.0.1:1", backfill=-HOUR)
