"""What OTLP senders are told: success, partial success, or a google.rpc.Status, in protobuf or JSON.

Sources: opentelemetry-proto docs/specification.md, "OTLP/gRPC Response" and "OTLP/HTTP Response"; google/rpc/*.proto.
"""

import orjson
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from controlsurface.errors import BadBody, Busy, ControlSurfaceError, TooLarge
from controlsurface.ingest.validation.validate import ValidatedBody
from controlsurface.ingest.wire.otlp_request import Encoding, Signal

INVALID_ARGUMENT, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 3, 8, 13, 14, 16

ExportResponse = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse
_RESPONSES: dict[Signal, tuple[type[ExportResponse], str, str]] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
}


def success_response(signal: Signal, checked: ValidatedBody, encoding: Encoding) -> bytes:
    """The response body; empty of partial_success when there is nothing to say."""
    told = bool(checked.rejected or checked.message)
    kind, field, json_field = _RESPONSES[signal]
    if encoding == "json":  # 64-bit numbers are text in protobuf's JSON
        partial = {json_field: str(checked.rejected), "errorMessage": checked.message}
        return orjson.dumps({"partialSuccess": partial} if told else {})
    partial_fields = {field: checked.rejected, "error_message": checked.message}
    return (kind(partial_success=partial_fields) if told else kind()).SerializeToString()  # type: ignore[arg-type]


def error_response(problem: Exception, encoding: Encoding) -> bytes:
    """A Status for an error; what is not the sender's to know stays here."""
    return status_response(status_code(problem), status_message(problem), encoding)


def status_response(number: int, message: str, encoding: Encoding) -> bytes:
    """A Status as a response body."""
    if encoding == "json":
        return orjson.dumps({"code": number, "message": message})
    return bytes(Status(code=number, message=message).SerializeToString())


def status_trailers(problem: Exception) -> tuple[tuple[str, bytes], ...]:
    """GRPC's place for the Status; says when to try again only where that can help."""
    status = Status(code=status_code(problem), message=status_message(problem))
    if not isinstance(problem, Busy):
        return (("grpc-status-details-bin", status.SerializeToString()),)
    retry = RetryInfo(retry_delay=Duration(seconds=problem.retry_after_s))
    status.details.add().Pack(retry)
    # The Python exporter looks for the delay under a key of its own.
    return (
        ("grpc-status-details-bin", status.SerializeToString()),
        ("google.rpc.retryinfo-bin", retry.SerializeToString()),
    )


def status_code(problem: Exception) -> int:
    """The google.rpc.Code of an error."""
    kinds = {BadBody: INVALID_ARGUMENT, TooLarge: RESOURCE_EXHAUSTED, Busy: UNAVAILABLE}
    return next((number for kind, number in kinds.items() if isinstance(problem, kind)), INTERNAL)


def status_message(problem: Exception) -> str:
    """The message of an error."""
    return str(problem) if isinstance(problem, ControlSurfaceError) else "internal error"
