"""The reference decoder: OTLP bodies to Arrow columns. The only loop over spans; pure.

`decode_traces` yields one row a span with the base columns of store/schema/spans.sql, and one text column for
each wanted attribute that occurs. Wanted keys are attribute names, `resource.NAME`, `scope.name` and
`event.EVENT/NAME`.
"""

import base64
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    ("service", pa.string()),
    ("around", pa.binary()),
    ("span", pa.binary()),
    ("received_ns", pa.uint64()),
]
BASE = pa.schema(_TYPES)
# What senders write for "nothing".
NOTHING = frozenset(("", "None", "null", "undefined"))


@dataclass(frozen=True, slots=True)
class Decoded:
    """Spans as columns; `repeats` copies of a span were folded into another of the same batch."""

    table: pa.Table
    keys: frozenset[str]  # wanted keys that occur, each a column of the table
    unread: Mapping[str, int]  # other attribute keys, with their number of spans
    repeats: int


class _Rows:
    """What the loop fills: one tuple and one mapping of wanted keys a span."""

    __slots__ = ("base", "events", "unread", "values", "wanted")

    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted = wanted
        self.events = frozenset(key[6:].rsplit("/", 1)[0] for key in wanted if key.startswith("event."))
        self.base: list[tuple[Any, ...]] = []
        self.values: list[dict[str, str]] = []
        self.unread: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class _Around:
    """What the spans of one scope share."""

    wire: bytes = field(repr=False)
    service: str | None
    texts: tuple[tuple[str, str], ...]
    received_ns: int


def decode_traces(bodies: Iterable[tuple[bytes, int]], wanted: frozenset[str]) -> Decoded:
    """Bodies with their time of receipt (Unix ns) as columns; copies of one span are merged, whatever their order.

    Raises google.protobuf.message.DecodeError for bytes that are no ExportTraceServiceRequest.
    """
    spans: dict[tuple[bytes, bytes], tuple[Span, _Around]] = {}
    repeats = 0
    for body, received_ns in bodies:
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope_spans in resource_spans.scope_spans:
                around = _around(resource_spans, scope_spans, received_ns, wanted)
                for span in scope_spans.spans:
                    key = (span.trace_id, span.span_id)
                    if key in spans:
                        repeats += 1
                        known, place = spans[key]
                        spans[key] = (merged(known, span), _wider(place, around))
                    else:
                        spans[key] = (span, around)
    rows = _Rows(wanted)
    for (trace_id, span_id), (span, around) in spans.items():
        rows.values.append(_values(rows, span, around))
        rows.base.append(_base(trace_id, span_id, span, around))
    return _columns(rows, repeats)


def _around(
    resource_spans: ResourceSpans, scope_spans: ScopeSpans, received_ns: int, wanted: frozenset[str]
) -> _Around:
    """Resource and scope, read once for all their spans."""
    texts = {f"resource.{a.key}": text_of(a.value) for a in reversed(resource_spans.resource.attributes)}
    texts["scope.name"] = scope_spans.scope.name
    scope = ScopeSpans(scope=scope_spans.scope, schema_url=scope_spans.schema_url)
    wire = ResourceSpans(resource=resource_spans.resource, schema_url=resource_spans.schema_url, scope_spans=[scope])
    return _Around(
        wire.SerializeToString(deterministic=True),
        texts.get("resource.service.name"),
        tuple((key, text) for key, text in texts.items() if key in wanted),
        received_ns,
    )


def _wider(one: _Around, other: _Around) -> _Around:
    """Of two surroundings of one span, the one that says more; received when the first copy was."""
    chosen = max(one, other, key=lambda around: (len(around.wire), around.wire))
    return replace(chosen, received_ns=min(one.received_ns, other.received_ns))


def _values(rows: _Rows, span: Span, around: _Around) -> dict[str, str]:
    """Wanted attributes of a span, its events and its surroundings as text; the others are counted."""
    wanted, unread = rows.wanted, rows.unread
    values: dict[str, str] = {}
    for attribute in span.attributes:
        key = attribute.key
        if key not in wanted:
            unread[key] = unread.get(key, 0) + 1
        elif key not in values:  # the first of repeated keys
            value = attribute.value
            values[key] = value.string_value or text_of(value)
    values.update(around.texts)
    for event in span.events:
        if event.name in rows.events:
            values.update(_event(rows, event))
    return values


def _event(rows: _Rows, event: Span.Event) -> dict[str, str]:
    """Wanted event attributes; of several events of one name the last wins."""
    named = {f"event.{event.name}/{a.key}": a.value for a in event.attributes}
    return {key: text_of(value) for key, value in named.items() if key in rows.wanted}


def _base(trace_id: bytes, span_id: bytes, span: Span, around: _Around) -> tuple[Any, ...]:
    """The columns of BASE."""
    status = span.status
    return (
        trace_id.hex(),
        int.from_bytes(span_id, "big"),
        int.from_bytes(span.parent_span_id, "big") or None,
        span.name,
        span.kind & 0xFF,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        status.code & 0xFF,
        status.message or None,
        around.service,
        around.wire,
        span.SerializeToString(),
        around.received_ns,
    )


def text_of(value: AnyValue) -> str:
    """A value as the vocabularies read it: plain text, numbers in full, lists and maps as JSON."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "int_value":
        return str(value.int_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "double_value" and math.isfinite(value.double_value):
        return repr(value.double_value)
    plain = _plain(value)
    return plain if isinstance(plain, str) else "" if plain is None else json.dumps(plain, ensure_ascii=False)


def _plain(value: AnyValue) -> Any:
    """A value as Python: what JSON cannot say (NaN, bytes) as text."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value" and not math.isfinite(value.double_value):
        return "NaN" if math.isnan(value.double_value) else "Infinity"
    return getattr(value, kind) if kind else None


def _columns(rows: _Rows, repeats: int) -> Decoded:
    """Tuples and mappings as one Arrow table; only keys that occur become columns, named `@key`."""
    transposed = zip(*rows.base, strict=True) if rows.base else ([] for _ in BASE)
    arrays = [pa.array(column, entry.type) for column, entry in zip(transposed, BASE, strict=True)]
    keys = sorted(set().union(*rows.values))
    for key in keys:
        texts = [values.get(key) for values in rows.values]
        if not NOTHING.isdisjoint(texts):
            texts = [None if text in NOTHING else text for text in texts]
        arrays.append(pa.array(texts, pa.string()))
    return Decoded(
        pa.table(arrays, names=[*BASE.names, *(f"@{key}" for key in keys)]), frozenset(keys), rows.unread, repeats
    )


def attributes_of(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Attributes as text by key, without those that say "nothing"."""
    return {a.key: text for a in attributes if (text := text_of(a.value)) not in NOTHING}
