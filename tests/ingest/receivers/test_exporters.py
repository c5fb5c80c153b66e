"""The OpenTelemetry SDK's own exporters against real sockets."""

from collections.abc import Callable, Iterator, Sequence

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.ingest.conftest import Site

Make = Callable[[Site], SpanExporter]


@pytest.fixture
def recorded() -> Iterator[Sequence[ReadableSpan]]:
    """Two spans, parent and child, as an application makes them."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("app").start_as_current_span("route", attributes={"controlsurface.lane": "small"}):
        provider.get_tracer("app").start_span("chat", attributes={"gen_ai.input.messages": "my secret"}).end()
    yield memory.get_finished_spans()
    provider.shutdown()


EXPORTERS: dict[str, Make] = {
    "grpc": lambda site: GrpcExporter(f"http://{site.grpc}", insecure=True),
    "grpc-gzip": lambda site: GrpcExporter(f"http://{site.grpc}", insecure=True, compression=grpc.Compression.Gzip),
    "http": lambda site: HttpExporter(f"{site.http}/v1/traces"),
    "http-gzip": lambda site: HttpExporter(f"{site.http}/v1/traces", compression=Compression.Gzip),
    "http-deflate": lambda site: HttpExporter(f"{site.http}/v1/traces", compression=Compression.Deflate),
}


@pytest.mark.parametrize("make", EXPORTERS.values(), ids=EXPORTERS)
def test_spans_of_an_sdk_exporter_are_kept_without_the_prompt(
    site: Site, recorded: Sequence[ReadableSpan], make: Make
) -> None:
    exporter = make(site)
    assert exporter.export(recorded) is SpanExportResult.SUCCESS
    exporter.shutdown()
    (record,) = site.records()
    sent = ExportTraceServiceRequest.FromString(record.payload).resource_spans[0].scope_spans[0].spans
    assert [span.name for span in sent] == ["chat", "route"]
    assert sent[0].parent_span_id == sent[1].span_id
    assert (record.signal, record.items, b"secret" in record.payload) == ("traces", 2, False)
