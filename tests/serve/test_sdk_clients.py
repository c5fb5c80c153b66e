"""The OpenTelemetry SDK's own exporters are understood, and what they send can be queried within two seconds."""

import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.queries.metric_query import MetricArgs
from tests.launch import Server, collector, until

pytestmark = pytest.mark.xdist_group("clients")
EXPORTERS: dict[str, Callable[[Server], SpanExporter]] = {
    "http": lambda server: HttpExporter(server.ready["otlp_http"] + "/v1/traces"),
    "http gzip": lambda server: HttpExporter(server.ready["otlp_http"] + "/v1/traces", compression=Compression.Gzip),
    "grpc": lambda server: GrpcExporter(server.ready["otlp_grpc"], insecure=True),
    "grpc gzip": lambda server: GrpcExporter(
        server.ready["otlp_grpc"], insecure=True, compression=grpc.Compression.Gzip
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with collector(tmp_path_factory.mktemp("clients")) as started:
        yield started


@pytest.mark.parametrize("name", EXPORTERS)
def test_spans_of_an_sdk_exporter_are_seen_within_two_seconds(server: Server, name: str) -> None:
    provider = TracerProvider(resource=Resource({"service.name": name}))
    provider.add_span_processor(SimpleSpanProcessor(EXPORTERS[name](server)))
    # The best of ten: the machine may be busy with something else.
    assert any(seconds_until_seen(server, provider, name, 20 * turn) < 2 for turn in range(1, 11))
    provider.shutdown()


def seconds_until_seen(server: Server, provider: TracerProvider, service: str, tokens: int) -> float:
    with provider.get_tracer("router").start_as_current_span("chat slm-7b") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "slm-7b",
                "gen_ai.usage.input_tokens": 13,
                "gen_ai.usage.output_tokens": 7,
            }
        )
    sent = time.monotonic()
    until(lambda: tokens_of(server, service) == tokens)
    return time.monotonic() - sent


def tokens_of(server: Server, service: str) -> float:
    reader = server.reader()
    found = 0.0
    for metric in ("input_tokens", "output_tokens"):
        rows = reader.run(MetricQuery(MetricArgs(metric=metric, where=(f"service:{service}",)))).rows
        found += rows["value"][0].as_py() or 0
    return found
