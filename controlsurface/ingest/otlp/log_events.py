"""Log records that replace span events: read as events of the span that they name.

OpenTelemetry is deprecating span events in favour of log records with an event name (oteps/4430). Such a record is made
a copy of its span that knows nothing but the event; copies of one span are merged, whatever their order.
"""

from collections.abc import Iterable

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.ingest.otlp.trace_decoder import attribute_text


def event_name(record: LogRecord) -> str:
    """The record's event name, in its own field or as an attribute, as older senders write it; empty for none."""
    return record.event_name or next((attribute_text(a.value) for a in record.attributes if a.key == "event.name"), "")


def spans_with_events(bodies: Iterable[tuple[bytes, int]], wanted: frozenset[str]) -> list[tuple[bytes, int]]:
    """ExportTraceServiceRequest bodies with the wanted events of logs, each at the span that it names.

    Raises google.protobuf.message.DecodeError for bytes that are no ExportLogsServiceRequest.
    """
    names = {key.removeprefix("event.").rsplit("/", 1)[0] for key in wanted if key.startswith("event.")}
    found = [
        (_of_logs(ExportLogsServiceRequest.FromString(body), names, received_ns), received_ns)
        for body, received_ns in bodies
    ]
    return [(spans.SerializeToString(), received_ns) for spans, received_ns in found if spans.resource_spans]


def _of_logs(logs: ExportLogsServiceRequest, names: set[str], received_ns: int) -> ExportTraceServiceRequest:
    """The spans of one request's records, in their resource and scope."""
    result = ExportTraceServiceRequest()
    for resource_logs in logs.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            spans = [_span(record, received_ns) for record in scope_logs.log_records if _concerns(record, names)]
            if spans:
                resource = result.resource_spans.add(
                    resource=resource_logs.resource, schema_url=resource_logs.schema_url
                )
                resource.scope_spans.add(scope=scope_logs.scope, schema_url=scope_logs.schema_url, spans=spans)
    return result


def _concerns(record: LogRecord, names: set[str]) -> bool:
    """Whether a record names its span and is an event that some column reads."""
    return (
        len(record.trace_id) == 16 and len(record.span_id) == 8 and any(record.span_id) and event_name(record) in names
    )


def _span(record: LogRecord, received_ns: int) -> Span:
    """A copy of the record's span without an end, which knows the event alone."""
    at_ns = record.time_unix_nano or record.observed_time_unix_nano or received_ns
    attributes = [KeyValue(key=a.key, value=a.value) for a in record.attributes if a.key != "event.name"]
    event = Span.Event(time_unix_nano=at_ns, name=event_name(record), attributes=attributes)
    return Span(trace_id=record.trace_id, span_id=record.span_id, start_time_unix_nano=at_ns, events=[event])
