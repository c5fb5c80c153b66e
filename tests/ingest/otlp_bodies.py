"""OTLP requests to send, small and readable."""

import os
from collections.abc import Mapping

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

TRACE = bytes.fromhex("5b8efff798038103d269b633813fc60d")
SPAN = bytes.fromhex("eee19b7ec3c1b175")

Plain = str | bool | int | float | bytes | list["Plain"] | dict[str, "Plain"]


FIELDS = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}


def value(plain: Plain) -> AnyValue:
    if isinstance(plain, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(plain)))
    if isinstance(plain, list):
        return AnyValue(array_value=ArrayValue(values=[value(each) for each in plain]))
    found = AnyValue()
    setattr(found, FIELDS[type(plain)], plain)
    return found


def pairs(attributes: Mapping[str, Plain]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(plain)) for key, plain in attributes.items()]


def span(
    attributes: Mapping[str, Plain] | None = None, trace: bytes = TRACE, own: bytes = SPAN, parent: bytes = b""
) -> Span:
    return Span(
        trace_id=trace,
        span_id=own,
        parent_span_id=parent,
        name="chat",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=1_790_000_000_000_000_000,
        end_time_unix_nano=1_790_000_000_050_000_000,
        attributes=pairs(attributes or {}),
    )


def traces(*spans: Span) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])


def logs(*records: LogRecord) -> ExportLogsServiceRequest:
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])])


def metrics(points: int) -> ExportMetricsServiceRequest:
    gauge = Metric(name="m", gauge=Gauge(data_points=[NumberDataPoint(as_int=n) for n in range(points)]))
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(scope_metrics=[ScopeMetrics(metrics=[gauge])])]
    )


def body(spans: int = 1) -> bytes:
    """A request of spans with ids of their own."""
    return traces(*(span({"n": n}, os.urandom(16), os.urandom(8)) for n in range(spans))).SerializeToString()


def keys(request: ExportTraceServiceRequest) -> list[str]:
    """The attribute names of all spans."""
    found = [each for r in request.resource_spans for s in r.scope_spans for each in s.spans]
    return [attribute.key for each in found for attribute in each.attributes]
