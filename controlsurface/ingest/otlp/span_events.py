"""Events of spans, also those that come as log records, and the evaluations among them."""

from collections.abc import Iterable
from hashlib import blake2b

import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.ingest.otlp.trace_decoder import attribute_text, attribute_texts


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


EVALUATION_EVENT = "gen_ai.evaluation.result"

_TYPES: dict[str, pa.DataType] = {
    "evaluation_id": pa.string(),
    "trace_id": pa.string(),
    "span_id": pa.uint64(),
    "response_id": pa.string(),
    "at_ns": pa.uint64(),
    "name": pa.string(),
    "score": pa.string(),
    "label": pa.string(),
    "explanation": pa.string(),
    "error_type": pa.string(),
}
EVALUATION_SCHEMA = pa.schema(_TYPES)
_EVALUATION_KEYS = ("name", "score.value", "score.label", "explanation")


def evaluations_from_logs(bodies: Iterable[tuple[bytes, int]]) -> list[dict[str, object]]:
    """Evaluations among the log records of ExportLogsServiceRequest bodies. Raises DecodeError."""
    return [
        _evaluation(record.attributes, record.trace_id, record.span_id, record.time_unix_nano or received_ns)
        for body, received_ns in bodies
        for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope_logs in resource_logs.scope_logs
        for record in scope_logs.log_records
        if event_name(record) == EVALUATION_EVENT
    ]


def evaluations_from_spans(bodies: Iterable[tuple[bytes, int]]) -> list[dict[str, object]]:
    """Evaluations among the span events of ExportTraceServiceRequest bodies. Raises DecodeError."""
    return [
        _evaluation(event.attributes, span.trace_id, span.span_id, event.time_unix_nano or received_ns)
        for body, received_ns in bodies
        if EVALUATION_EVENT.encode() in body
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
        for event in span.events
        if event.name == EVALUATION_EVENT
    ]


def evaluation_table(evaluations: Iterable[dict[str, object]]) -> pa.Table:
    """Distinct evaluations as Arrow; of two copies the earlier stays."""
    first: dict[object, dict[str, object]] = {}
    for evaluation in sorted(evaluations, key=lambda e: str(e["at_ns"]).zfill(20)):
        first.setdefault(evaluation["evaluation_id"], evaluation)
    return pa.Table.from_pylist(list(first.values()), EVALUATION_SCHEMA)


def _evaluation(attributes: Iterable[KeyValue], trace_id: bytes, span_id: bytes, at_ns: int) -> dict[str, object]:
    """One row; the id is a hash of what was judged and how, not of when or by which signal it came."""
    given = attribute_texts(attributes)
    name, score, label, explanation = (given.get(f"gen_ai.evaluation.{fact}") for fact in _EVALUATION_KEYS)
    response_id, error_type = given.get("gen_ai.response.id"), given.get("error.type")
    what = (trace_id.hex(), span_id.hex(), response_id, name, score, label, error_type)
    return {
        "evaluation_id": blake2b(repr(what).encode(), digest_size=16).hexdigest(),
        "trace_id": trace_id.hex() if len(trace_id) == 16 and any(trace_id) else None,
        "span_id": int.from_bytes(span_id, "big") or None,
        "response_id": response_id,
        "at_ns": at_ns,
        "name": name or "unnamed",
        "score": score,
        "label": label,
        "explanation": explanation,
        "error_type": error_type,
    }
