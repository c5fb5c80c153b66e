"""The wire checks between the socket and the journal: decodable, identified, and free of what must not be kept.

An item that cannot be identified or read is rejected alone, a body that cannot be decoded as a whole. What is wrong
with a link costs the link, not its span: the span is still true. All-zero parent ids mean "no parent". Text that is not
Unicode costs its bad characters (see mend.py).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from itertools import accumulate, chain
from operator import attrgetter, itemgetter
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.ingest.content import METRIC_DESCRIPTION_KEY, SPAN_STATUS_KEY, ContentPolicy
from controlsurface.ingest.limits import BodyBudget
from controlsurface.ingest.otlp.body_decoder import decode_body, decode_partially
from controlsurface.ingest.wire.mend_marks import metric_data_points
from controlsurface.ingest.wire.otlp_request import Encoding, Signal
from controlsurface.ingest.wire.unread_fields import drop_unread_fields

_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)
_HEAD = attrgetter(
    "trace_id", "span_id", "parent_span_id", "name", "trace_state", "status", "links", "attributes", "events"
)
_ATTRIBUTES, _EVENTS = itemgetter(-2), itemgetter(-1)  # of a head
_FIELDS_PER_ATTRIBUTE = 4  # of an attribute: itself, its key, its value, and what that is
_CODE_ONLY_STATUS_BYTES = 2  # bytes of a status that says nothing but its code
_IDS_ONLY_LINK_BYTES = 33  # bytes of a link that says nothing but its ids and flags
_ITEMS = {"traces": "spans", "logs": "log records", "metrics": "data points"}


@dataclass(frozen=True, slots=True)
class ValidatedBody:
    """What may be journalled: protobuf, untouched where nothing had to change; counts are of items."""

    payload: bytes
    accepted: int
    rejected: int = 0
    message: str = ""
    mended: int = 0
    trimmed: int = 0  # attributes, events and links over the number that one item may have
    dropped: Mapping[str, int] = field(default_factory=dict)  # how often under which attribute key something was


@dataclass(slots=True)
class _Found:
    """What a walk over a request came across."""

    accepted: int = 0
    changed: bool = False
    rejected: Counter[str] = field(default_factory=Counter)
    dropped_links: int = 0


def validate_body(signal: Signal, body: bytes, encoding: Encoding, prompts: ContentPolicy) -> ValidatedBody:
    """The body as it may be kept. Raises BadBody where it cannot be decoded, OverLimit where it holds too much."""
    if not body:
        return ValidatedBody(b"", 0)
    found_in = decode_body(signal, body, encoding, prompts.budget.limits)
    request = found_in.request
    found = _Found(rejected=found_in.rejected)
    prompts.begin()
    budget = prompts.budget
    if isinstance(request, ExportTraceServiceRequest):
        _spans(request, found_in.wire, prompts, found)
    else:
        found.changed |= not prompts.stored and drop_unread_fields(request, len(found_in.wire))
        _WALKS[signal](request, prompts, found)
    payload = request.SerializeToString() if found.changed else found_in.wire
    rejected, message = found.rejected.total(), _message(signal, found)
    return ValidatedBody(payload, found.accepted, rejected, message, found_in.mended, budget.trimmed, prompts.dropped)


def _spans(request: ExportTraceServiceRequest, wire: bytes, prompts: ContentPolicy, found: _Found) -> None:
    quick = decode_partially(wire)
    around = quick if prompts.strict else request  # what is in the parts of a span is looked at with them
    if not prompts.stored and drop_unread_fields(around, len(wire)):
        request.DiscardUnknownFields()
        found.changed = True
        quick = decode_partially(request.SerializeToString())
    spans = sum(len(scope.spans) for resource in quick.resource_spans for scope in resource.scope_spans)
    mean = len(wire) / max(1, spans)
    for resource, quick_resource in zip(request.resource_spans, quick.resource_spans, strict=True):
        found.changed |= prompts.drop_unread(resource.resource, quick_resource.resource)
        found.changed |= _surroundings(resource, prompts)
        for scope, quick_scope in zip(resource.scope_spans, quick_resource.scope_spans, strict=True):
            found.changed |= prompts.drop_unread(scope.scope, quick_scope.scope)
            found.changed |= _scope(scope, prompts)
            _scope_spans(scope.spans, quick_scope.spans, mean, prompts, found)


def _scope_spans(spans: Any, quick: Any, mean: float, prompts: ContentPolicy, found: _Found) -> None:
    """Reject the spans that cannot be identified, clean the others."""
    heads = [*map(_HEAD, quick)]  # to reach an item's lists again costs as much as to read one
    faults = _heads(spans, quick, heads, prompts, found)
    if prompts.strict:
        lists = [*map(_ATTRIBUTES, heads)], [*map(_EVENTS, heads)]
        attributes = prompts.suspects(chain.from_iterable(lists[0]), mean)
        events = prompts.events(chain.from_iterable(lists[1]))
        prompts.budget.spend(len(attributes) + len(events))
        for span, n, raw in _places(lists[0], attributes):
            found.changed |= prompts.drop_unread(spans[span].attributes[n], raw)
            found.changed |= prompts.clean_one(spans[span].attributes, n)
        for span, n, raw in _places(lists[1], events):
            found.changed |= prompts.clean_event(spans[span].events[n], raw)
    elif not prompts.stored:
        found.changed |= sum(prompts.clean(each.attributes) for span in spans for each in (span, *span.events)) > 0
        found.changed |= sum(prompts.clean_names(event, "name") for span in spans for event in span.events) > 0
    _reject(spans, faults, found)


def _heads(spans: Any, quick: Any, heads: Any, prompts: ContentPolicy, found: _Found) -> list[tuple[int, str]]:
    """Look at what spans say beside attributes and events; those that cannot be identified, and why."""
    faults: list[tuple[int, str]] = []
    longest, limits = prompts.max_name, prompts.budget.limits
    most, most_events, parts = limits.max_attributes, limits.max_events, 0
    for at, (trace, own, parent, name, state, status, links, attributes, events) in enumerate(heads):
        if len(attributes) > most or len(events) > most_events or len(links) > most_events:
            found.changed |= _cut(spans[at], quick[at], prompts.budget)
        parts += len(attributes) + len(events) + len(links)
        if len(trace) != 16 or len(own) != 8 or (parent and len(parent) != 8) or trace == _NO_TRACE or own == _NO_SPAN:
            faults.append((at, _fault(trace, own)))
            continue
        if links:
            found.changed |= _links(spans[at], links, prompts, found)
        if state or len(name) > longest or len(status) > _CODE_ONLY_STATUS_BYTES:
            found.changed |= _texts(spans[at], status, prompts)
        if parent == _NO_SPAN:
            spans[at].parent_span_id = b""
            found.changed = True
    limits.fields(_FIELDS_PER_ATTRIBUTE * parts)
    return faults


def _places(lists: Iterable[Sized], parts: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
    """In which span of many, and where there, parts of them stand that are counted through."""
    ends = [0, *accumulate(map(len, lists))]
    for at, raw in parts:
        span = bisect_right(ends, at) - 1
        yield span, at - ends[span], raw


def _cut(span: Span, quick: Any, budget: BodyBudget) -> bool:
    """Leave a span as many attributes, events and links as it may have, in both of its forms."""
    limits = budget.limits
    for parts, most in ((quick.attributes, limits.max_attributes), (quick.events, limits.max_events)):
        del parts[most:]
    changed = budget.attributes(span)
    for parts, counter in ((span.events, "dropped_events_count"), (span.links, "dropped_links_count")):
        changed |= budget.cut(span, parts, limits.max_events, counter)
    return changed


def _fault(trace: bytes, own: bytes) -> str:
    """Why a span with these ids, or this parent, cannot be identified."""
    if len(trace) != 16 or trace == _NO_TRACE:
        return "trace_id must be 16 bytes, not all zero"
    if len(own) != 8 or own == _NO_SPAN:
        return "span_id must be 8 bytes, not all zero"
    return "parent_span_id must be 8 bytes or empty"


def _texts(span: Span, status: bytes, prompts: ContentPolicy) -> bool:
    """What a span says beside its attributes."""
    changed = prompts.drop_unread(span.status, status)
    changed |= prompts.clean_names(span, "name") | prompts.clean_state(span)
    return prompts.clean_text(span.status, "message", SPAN_STATUS_KEY) or changed


def _links(span: Span, quick: Iterable[bytes], prompts: ContentPolicy, found: _Found) -> bool:
    """Drop links that lead nowhere; whether anything changed."""
    long = [(link, raw) for link, raw in zip(span.links, quick, strict=False) if len(raw) > _IDS_ONLY_LINK_BYTES]
    unread = sum(prompts.drop_unread(link, raw) for link, raw in long)
    prompts.budget.spend(len(span.links))
    lost = [at for at, link in enumerate(span.links) if not _identified(link)]
    for at in reversed(lost):
        del span.links[at]
    found.dropped_links += len(lost)
    said = [link for link in span.links if link.attributes or link.trace_state]
    cleaned = [
        prompts.budget.attributes(link) | prompts.clean(link.attributes) | prompts.clean_state(link) for link in said
    ]
    return bool(unread or lost) or any(cleaned)


def _identified(link: Span.Link) -> bool:
    trace, span = link.trace_id, link.span_id
    return len(trace) == 16 and trace != _NO_TRACE and len(span) == 8 and span != _NO_SPAN


def _logs(request: ExportLogsServiceRequest, prompts: ContentPolicy, found: _Found) -> None:
    for resource in request.resource_logs:
        found.changed |= _surroundings(resource, prompts)
        for scope in resource.scope_logs:
            found.changed |= _scope(scope, prompts)
            faults = [(at, fault) for at, record in enumerate(scope.log_records) if (fault := _log_fault(record))]
            _reject(scope.log_records, faults, found)
            for record in scope.log_records:
                found.changed |= prompts.budget.attributes(record) | prompts.clean(record.attributes)
                found.changed |= prompts.clean_body(record.body)
                found.changed |= prompts.clean_names(record, "severity_text", "event_name")


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


def _metrics(request: ExportMetricsServiceRequest, prompts: ContentPolicy, found: _Found) -> None:
    for resource in request.resource_metrics:
        found.changed |= _surroundings(resource, prompts)
        for scope in resource.scope_metrics:
            found.changed |= _scope(scope, prompts)
            for metric in scope.metrics:
                found.changed |= _metric(metric, prompts)
            for point in (point for metric in scope.metrics for point in metric_data_points(metric)):
                found.accepted += 1
                found.changed |= prompts.budget.attributes(point) | prompts.clean(point.attributes)
                prompts.budget.spend(len(getattr(point, "exemplars", ())))
                for exemplar in getattr(point, "exemplars", ()):  # summaries have none
                    found.changed |= prompts.clean(exemplar.filtered_attributes) | _unnamed(exemplar)


def _unnamed(exemplar: Exemplar) -> bool:
    """Take ids that are none from an exemplar; whether there were any."""
    if len(exemplar.trace_id) in {0, 16} and len(exemplar.span_id) in {0, 8}:
        return False
    exemplar.ClearField("trace_id")
    exemplar.ClearField("span_id")
    return True


def _metric(metric: Metric, prompts: ContentPolicy) -> bool:
    changed = prompts.clean_text(metric, "description", METRIC_DESCRIPTION_KEY)
    changed |= prompts.clean_names(metric, "name", "unit")
    return prompts.clean(metric.metadata) or changed


def _surroundings(resource: Any, prompts: ContentPolicy) -> bool:
    """What the resource of spans, log records or metrics says of itself."""
    about = resource.resource
    most = prompts.budget.limits.max_attributes
    changed = prompts.budget.attributes(about) | prompts.budget.cut(about, about.entity_refs, most, "")
    changed |= prompts.clean(about.attributes, about.ByteSize()) | prompts.clean_names(resource, "schema_url")
    for entity in about.entity_refs:
        changed |= prompts.clean_names(entity, "schema_url", "type") | prompts.clean_keys(entity)
    return changed


def _scope(scope: Any, prompts: ContentPolicy) -> bool:
    """What a scope says of itself."""
    about = scope.scope
    changed = prompts.budget.attributes(about)
    changed |= prompts.clean(about.attributes, about.ByteSize()) | prompts.clean_names(about, "name", "version")
    return prompts.clean_names(scope, "schema_url") or changed


def _message(signal: Signal, found: _Found) -> str:
    """What the sender is told; empty when all is well."""
    parts = [f"rejected {count} {_ITEMS[signal]}: {fault}" for fault, count in sorted(found.rejected.items())]
    if found.dropped_links:
        parts.append(f"dropped {found.dropped_links} links without valid ids from spans that were accepted")
    return "; ".join(parts)


_WALKS: dict[Signal, Callable[[Any, ContentPolicy, _Found], None]] = {"logs": _logs, "metrics": _metrics}
