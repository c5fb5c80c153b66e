"""The wire checks between the socket and the journal: decodable, identified, and free of what must not be kept.

An item that cannot be identified or read is rejected alone, a body that cannot be decoded as a whole. What is wrong
with a link costs the link, not its span: the span is still true. All-zero parent ids mean "no parent". Text that is not
Unicode costs its bad characters (see mend.py).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.ingest.mend import points
from controlsurface.ingest.prompts import Prompts
from controlsurface.ingest.reading import read
from controlsurface.ingest.signals import Encoding, Signal

_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)
_ITEMS = {"traces": "spans", "logs": "log records", "metrics": "data points"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What may be journalled: protobuf, untouched where nothing had to change; counts are of items."""

    payload: bytes
    accepted: int
    rejected: int = 0
    message: str = ""
    mended: int = 0


@dataclass(slots=True)
class _Found:
    """What a walk over a request came across."""

    accepted: int = 0
    changed: bool = False
    rejected: Counter[str] = field(default_factory=Counter)
    dropped_links: int = 0


def check(signal: Signal, body: bytes, encoding: Encoding, prompts: Prompts) -> Checked:
    """The body as it may be kept. Raises BadBody where it cannot be decoded."""
    if not body:
        return Checked(b"", 0)
    found_in = read(signal, body, encoding)
    request = found_in.request
    found = _Found(rejected=found_in.rejected)
    _WALKS[signal](request, prompts, found)
    payload = request.SerializeToString() if found.changed else found_in.wire
    return Checked(payload, found.accepted, found.rejected.total(), _message(signal, found), found_in.mended)


def _spans(request: ExportTraceServiceRequest, prompts: Prompts, found: _Found) -> None:
    for resource in request.resource_spans:
        found.changed |= prompts.clean(resource.resource.attributes)
        for scope in resource.scope_spans:
            found.changed |= prompts.clean(scope.scope.attributes)
            faults = [(at, fault) for at, span in enumerate(scope.spans) if (fault := _span(span, prompts, found))]
            _reject(scope.spans, faults, found)


def _span(span: Span, prompts: Prompts, found: _Found) -> str:
    """Why a span cannot be identified; if it can, clean it."""
    trace, own, parent = span.trace_id, span.span_id, span.parent_span_id
    if len(trace) != 16 or trace == _NO_TRACE:
        return "trace_id must be 16 bytes, not all zero"
    if len(own) != 8 or own == _NO_SPAN:
        return "span_id must be 8 bytes, not all zero"
    if parent and len(parent) != 8:
        return "parent_span_id must be 8 bytes or empty"
    changed = prompts.clean(span.attributes)
    if parent == _NO_SPAN:
        span.parent_span_id = b""
        changed = True
    for event in span.events:
        changed |= prompts.clean(event.attributes)
    if span.links:
        changed |= _links(span, prompts, found)
    found.changed |= changed
    return ""


def _links(span: Span, prompts: Prompts, found: _Found) -> bool:
    """Drop links that lead nowhere; whether anything changed."""
    lost = [at for at, link in enumerate(span.links) if not _identified(link)]
    for at in reversed(lost):
        del span.links[at]
    found.dropped_links += len(lost)
    cleaned = [prompts.clean(link.attributes) for link in span.links]
    return bool(lost) or any(cleaned)


def _identified(link: Span.Link) -> bool:
    trace, span = link.trace_id, link.span_id
    return len(trace) == 16 and trace != _NO_TRACE and len(span) == 8 and span != _NO_SPAN


def _logs(request: ExportLogsServiceRequest, prompts: Prompts, found: _Found) -> None:
    for resource in request.resource_logs:
        found.changed |= prompts.clean(resource.resource.attributes)
        for scope in resource.scope_logs:
            found.changed |= prompts.clean(scope.scope.attributes)
            faults = [(at, fault) for at, record in enumerate(scope.log_records) if (fault := _log_fault(record))]
            _reject(scope.log_records, faults, found)
            for record in scope.log_records:
                found.changed |= prompts.clean(record.attributes)
                found.changed |= prompts.clean_body(record.body)


def _log_fault(record: LogRecord) -> str:
    """A log record need not belong to a span, but a malformed id is a mistake."""
    if len(record.trace_id) not in {0, 16}:
        return "trace_id must be 16 bytes or empty"
    return "" if len(record.span_id) in {0, 8} else "span_id must be 8 bytes or empty"


def _reject(items: Any, faults: list[tuple[int, str]], found: _Found) -> None:
    """Take the faulty items out, count all."""
    for at, fault in reversed(faults):
        del items[at]
        found.rejected[fault] += 1
    found.changed |= bool(faults)
    found.accepted += len(items)


def _metrics(request: ExportMetricsServiceRequest, prompts: Prompts, found: _Found) -> None:
    for resource in request.resource_metrics:
        found.changed |= prompts.clean(resource.resource.attributes)
        for scope in resource.scope_metrics:
            found.changed |= prompts.clean(scope.scope.attributes)
            for point in (point for metric in scope.metrics for point in points(metric)):
                found.accepted += 1
                found.changed |= prompts.clean(point.attributes)
                for exemplar in getattr(point, "exemplars", ()):  # summaries have none
                    found.changed |= prompts.clean(exemplar.filtered_attributes)


def _message(signal: Signal, found: _Found) -> str:
    """What the sender is told; empty when all is well."""
    parts = [f"rejected {count} {_ITEMS[signal]}: {fault}" for fault, count in sorted(found.rejected.items())]
    if found.dropped_links:
        parts.append(f"dropped {found.dropped_links} links without valid ids from spans that were accepted")
    return "; ".join(parts)


_WALKS: dict[Signal, Callable[[Any, Prompts, _Found], None]] = {"traces": _spans, "logs": _logs, "metrics": _metrics}
