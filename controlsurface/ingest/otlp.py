"""The reference decoder: OTLP bodies to Arrow columns. The only loop over spans; pure.

`decode_traces` yields one row a span with the base columns of store/schema/spans.sql, and one text column for
each wanted attribute that occurs. Wanted keys are attribute names, `resource.NAME`, and `event.EVENT/NAME`.
"""

import base64
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from controlsurface.ingest.merge import merged

_TYPES: list[tuple[str, pa.DataType]] = [
    ("trace_id", pa.string()),
    ("span_id", pa.uint64()),
    ("parent_span_id", pa.uint64()),
    ("name", pa.string()),
    ("kind", pa.uint8()),
    ("start_ns", pa.uint64()),
    ("end_ns", pa.uint64()),
    ("status", pa.uint8()),
    ("status_message", pa.string()),
    ("trace_state", pa.string()),
    ("flags", pa.uint32()),
    ("service", pa.string()),
    ("scope", pa.string()),
    ("resource", pa.string()),
    ("attributes", pa.string()),
    ("events", pa.string()),
    ("links", pa.string()),
    ("dropped", pa.string()),
    ("received_ns", pa.uint64()),
]
BASE = pa.schema(_TYPES)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Spans as columns; `repeats` copies of a span were folded into another of the same batch."""

    table: pa.Table
    keys: frozenset[str]  # wanted keys that occur, each a column of the table
    unread: Mapping[str, int]  # other attribute keys, with their number of spans
    repeats: int


@dataclass(slots=True)
class _Rows:
    """What the loop fills: one tuple a span, sparse columns for wanted keys."""

    wanted: frozenset[str]
    base: list[tuple[Any, ...]] = field(default_factory=list)
    sparse: dict[str, tuple[list[int], list[str]]] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)

    def put(self, key: str, row: int, text: str) -> None:
        """Keep the first value of a wanted key."""
        rows, texts = self.sparse.setdefault(key, ([], []))
        if not rows or rows[-1] != row:
            rows.append(row)
            texts.append(text)


@dataclass(frozen=True, slots=True)
class _Around:
    """What the spans of one scope share."""

    service: str | None
    resource_json: str
    scope_json: str
    resource_texts: tuple[tuple[str, str], ...]
    received_ns: int


def decode_traces(bodies: Iterable[tuple[bytes, int]], wanted: frozenset[str]) -> Decoded:
    """Bodies with their time of receipt (Unix ns) as columns; copies of one span are merged, whatever their order.

    Raises google.protobuf.message.DecodeError for bytes that are no ExportTraceServiceRequest.
    """
    firsts: dict[tuple[bytes, bytes], tuple[Span, _Around]] = {}
    repeats = 0
    for body, received_ns in bodies:
        request = ExportTraceServiceRequest.FromString(body)
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                around = _around(resource_spans, scope_spans, received_ns)
                for span in scope_spans.spans:
                    key = (span.trace_id, span.span_id)
                    known = firsts.get(key)
                    if known is None:
                        firsts[key] = (span, around)
                    else:
                        repeats += 1
                        firsts[key] = (merged(known[0], span), _wider(known[1], around))
    rows = _Rows(wanted)
    for number, (span, around) in enumerate(firsts.values()):
        _row(rows, number, span, around)
    return _columns(rows, repeats)


def _around(resource_spans: ResourceSpans, scope_spans: ScopeSpans, received_ns: int) -> _Around:
    """Resource and scope, rendered once for all their spans."""
    resource = resource_spans.resource
    texts = {a.key: text_of(a.value) for a in reversed(resource.attributes)}
    scope = {
        "name": scope_spans.scope.name,
        "version": scope_spans.scope.version,
        "schemaUrl": scope_spans.schema_url,
        "resourceSchemaUrl": resource_spans.schema_url,
    }
    scope_json = json.dumps({key: text for key, text in scope.items() if text}, ensure_ascii=False)
    if scope_spans.scope.attributes:
        scope_json = scope_json[:-1] + ', "attributes": ' + _attributes_json(scope_spans.scope.attributes) + "}"
    return _Around(
        texts.get("service.name"),
        _attributes_json(resource.attributes),
        scope_json,
        (*((f"resource.{key}", text) for key, text in texts.items()), ("scope.name", scope_spans.scope.name)),
        received_ns,
    )


def _wider(one: _Around, other: _Around) -> _Around:
    """Of two surroundings of one span, the one that says more; received when the first copy was."""
    chosen = max(one, other, key=lambda a: (len(a.resource_json), a.resource_json, a.scope_json))
    return replace(chosen, received_ns=min(one.received_ns, other.received_ns))


def _row(rows: _Rows, number: int, span: Span, around: _Around) -> None:
    """Append one span."""
    wanted, put, unread = rows.wanted, rows.put, rows.unread
    parts = []
    for attribute in span.attributes:
        key, value = attribute.key, attribute.value
        text, rendered = _value(value)
        parts.append(f'{{"key":{_quoted_key(key)},"value":{rendered}}}')
        if key in wanted:
            put(key, number, text)
        else:
            unread[key] = unread.get(key, 0) + 1
    for key, text in around.resource_texts:
        if key in wanted:
            put(key, number, text)
    events = links = dropped = None
    if span.events:
        events = "[" + ",".join([_event(rows, number, event) for event in span.events]) + "]"
    if span.links:
        links = "[" + ",".join([_link(link) for link in span.links]) + "]"
    if span.dropped_attributes_count or span.dropped_events_count or span.dropped_links_count:
        dropped = _dropped(span)
    status = span.status
    rows.base.append(
        (
            span.trace_id.hex(),
            int.from_bytes(span.span_id, "big"),
            int.from_bytes(span.parent_span_id, "big") or None,
            span.name,
            span.kind & 0xFF,
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            status.code & 0xFF,
            status.message or None,
            span.trace_state or None,
            span.flags,
            around.service,
            around.scope_json,
            around.resource_json,
            "[" + ",".join(parts) + "]",
            events,
            links,
            dropped,
            around.received_ns,
        )
    )


def _event(rows: _Rows, number: int, event: Span.Event) -> str:
    """OTLP/JSON of an event; wanted event attributes go to their columns, the last event winning."""
    for attribute in event.attributes:
        key = f"event.{event.name}/{attribute.key}"
        if key in rows.wanted:
            places, texts = rows.sparse.setdefault(key, ([], []))
            if places and places[-1] == number:
                texts[-1] = text_of(attribute.value)
            else:
                places.append(number)
                texts.append(text_of(attribute.value))
    dropped = f',"droppedAttributesCount":{event.dropped_attributes_count}' if event.dropped_attributes_count else ""
    attributes = _attributes_json(event.attributes)
    return f'{{"timeUnixNano":"{event.time_unix_nano}","name":{quoted(event.name)},"attributes":{attributes}{dropped}}}'


def _link(link: Span.Link) -> str:
    """OTLP/JSON of a link."""
    state = f',"traceState":{quoted(link.trace_state)}' if link.trace_state else ""
    flags = f',"flags":{link.flags}' if link.flags else ""
    dropped = f',"droppedAttributesCount":{link.dropped_attributes_count}' if link.dropped_attributes_count else ""
    ids = f'"traceId":"{link.trace_id.hex()}","spanId":"{link.span_id.hex()}"'
    return f'{{{ids},"attributes":{_attributes_json(link.attributes)}{state}{flags}{dropped}}}'


def _dropped(span: Span) -> str:
    """OTLP/JSON fields of what the sender itself dropped."""
    counts = {
        "droppedAttributesCount": span.dropped_attributes_count,
        "droppedEventsCount": span.dropped_events_count,
        "droppedLinksCount": span.dropped_links_count,
    }
    return json.dumps({name: count for name, count in counts.items() if count})


def _attributes_json(attributes: Iterable[KeyValue]) -> str:
    """OTLP/JSON of a list of attributes, order and repeats kept."""
    return "[" + ",".join([f'{{"key":{_quoted_key(a.key)},"value":{_value(a.value)[1]}}}' for a in attributes]) + "]"


@lru_cache(maxsize=4096)
def _quoted_key(key: str) -> str:
    return quoted(key)


def text_of(value: AnyValue) -> str:
    """A value as the vocabularies read it: plain text, numbers in full, lists and maps as JSON."""
    return _value(value)[0]


def _value(value: AnyValue) -> tuple[str, str]:
    """A value as plain text and as OTLP/JSON."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        text = value.string_value
        return text, f'{{"stringValue":{quoted(text)}}}'
    if kind == "int_value":
        text = str(value.int_value)
        return text, f'{{"intValue":"{text}"}}'
    if kind == "double_value":
        return _double(value.double_value)
    if kind == "bool_value":
        text = "true" if value.bool_value else "false"
        return text, f'{{"boolValue":{text}}}'
    if kind is None:
        return "", "{}"
    return _nested(value, kind)


def _double(number: float) -> tuple[str, str]:
    """NaN and the infinities are words in OTLP/JSON."""
    if math.isfinite(number):
        text = repr(number)
        return text, f'{{"doubleValue":{text}}}'
    word = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    return word, f'{{"doubleValue":"{word}"}}'


def _nested(value: AnyValue, kind: str) -> tuple[str, str]:
    """Bytes, lists and maps."""
    if kind == "array_value":
        rendered = ",".join([_value(item)[1] for item in value.array_value.values])
        return json.dumps(_plain(value), ensure_ascii=False), f'{{"arrayValue":{{"values":[{rendered}]}}}}'
    if kind == "kvlist_value":
        rendered = _attributes_json(value.kvlist_value.values)
        return json.dumps(_plain(value), ensure_ascii=False), f'{{"kvlistValue":{{"values":{rendered}}}}}'
    text = base64.b64encode(value.bytes_value).decode()
    return text, f'{{"bytesValue":"{text}"}}'


def _plain(value: AnyValue) -> object:
    """A value as Python, for the JSON text of lists and maps."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value) for item in value.kvlist_value.values}
    if kind == "double_value" and not math.isfinite(value.double_value):
        return _double(value.double_value)[0]
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind) if kind else None


def _columns(rows: _Rows, repeats: int) -> Decoded:
    """Tuples and sparse values as one Arrow table."""
    count = len(rows.base)
    transposed = zip(*rows.base, strict=True) if rows.base else ([] for _ in BASE)
    arrays = [pa.array(column, entry.type) for column, entry in zip(transposed, BASE, strict=True)]
    names = list(BASE.names)
    for key, (places, texts) in rows.sparse.items():
        column: list[str | None] = [None] * count
        for place, text in zip(places, texts, strict=True):
            column[place] = text
        arrays.append(pa.array(column, pa.string()))
        names.append(f"@{key}")
    return Decoded(pa.table(arrays, names=names), frozenset(rows.sparse), rows.unread, repeats)
