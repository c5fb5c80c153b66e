"""The reference decoder: OTLP bodies to Arrow columns. The only loop over spans; pure.

`decode_traces` yields one row a span with the base columns of store/schema/spans.sql, and one text column for
each wanted attribute that occurs. Wanted keys are attribute names, `resource.NAME`, `scope.name`, `event.EVENT/NAME`,
and patterns (`*.input_tokens`) for attributes that nobody listed: of several that fit, the most specific is filled.
"""

import base64
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from controlsurface.ingest.otlp.span_merge import merge_spans
from controlsurface.ingest.wire.drop_marks import DROP_MARK_PREFIX, is_drop_mark

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
BASE_SCHEMA = pa.schema(_TYPES)
SLICE_BYTES = 1 << 20  # of bodies parsed at once: parsed messages take about ten times their size
# What senders write for "nothing".
EMPTY_TEXTS = frozenset(("", "None", "null", "undefined"))


@dataclass(frozen=True, slots=True)
class DecodedSpans:
    """Spans as columns; `repeats` copies of a span were folded into another of the same batch."""

    table: pa.Table
    keys: frozenset[str]  # wanted keys that occur, each a column of the table
    unread: Mapping[str, int]  # other attribute keys, with their number of spans
    repeats: int


class _Rows:
    """What the loop fills: one tuple a span, and for each wanted key the texts of the spans (rows) that have it."""

    __slots__ = ("base", "events", "patterns", "texts", "unread")

    def __init__(self, wanted: frozenset[str]) -> None:
        self.patterns = _patterns(wanted)
        self.events = frozenset(key[6:].rsplit("/", 1)[0] for key in wanted if key.startswith("event."))
        self.base: list[tuple[Any, ...]] = []
        self.texts: dict[str, dict[int, str]] = {key: {} for key in wanted}
        self.unread: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class _Around:
    """What the spans of one scope share."""

    wire: bytes = field(repr=False)
    service: str | None
    texts: tuple[tuple[str, str], ...]
    received_ns: int


_Key = tuple[bytes, bytes]
_Placed = tuple[Span, _Around]


def decode_traces(bodies: Sequence[tuple[bytes, int]], wanted: frozenset[str]) -> DecodedSpans:
    """Bodies with their time of receipt (Unix ns) as columns; copies of one span are merged, whatever their order.

    Raises google.protobuf.message.DecodeError for bytes that are no ExportTraceServiceRequest.
    """
    parts: list[DecodedSpans] = []
    met: set[_Key] = set()
    for some in _slices(bodies):
        spans, repeats = _unique(some, wanted)
        if not met.isdisjoint(spans):  # copies in different slices
            return _columns(*_unique(bodies, wanted), wanted)
        met.update(spans)
        parts.append(_columns(spans, repeats, wanted))
    return _joined(parts)


def _slices(bodies: Sequence[tuple[bytes, int]]) -> Iterator[Sequence[tuple[bytes, int]]]:
    """The bodies in runs of about SLICE_BYTES, at least one: a run's messages are gone before the next is parsed."""
    start = size = 0
    for end, (body, _) in enumerate(bodies, 1):
        size += len(body)
        if size >= SLICE_BYTES:
            yield bodies[start:end]
            start, size = end, 0
    if start < len(bodies) or not bodies:
        yield bodies[start:]


def _unique(bodies: Iterable[tuple[bytes, int]], wanted: frozenset[str]) -> tuple[dict[_Key, _Placed], int]:
    """Each span once, with what surrounds it, and how many copies were merged into another."""
    spans: dict[_Key, _Placed] = {}
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
                        spans[key] = (merge_spans(known, span), _wider((known, place), (span, around)))
                    else:
                        spans[key] = (span, around)
    return spans, repeats


def _around(
    resource_spans: ResourceSpans, scope_spans: ScopeSpans, received_ns: int, wanted: frozenset[str]
) -> _Around:
    """Resource and scope, read once for all their spans."""
    texts = {f"resource.{a.key}": attribute_text(a.value) for a in reversed(resource_spans.resource.attributes)}
    texts["scope.name"] = scope_spans.scope.name
    scope = ScopeSpans(scope=scope_spans.scope, schema_url=scope_spans.schema_url)
    wire = ResourceSpans(resource=resource_spans.resource, schema_url=resource_spans.schema_url, scope_spans=[scope])
    return _Around(
        wire.SerializeToString(deterministic=True),
        texts.get("resource.service.name"),
        tuple((key, text) for key, text in texts.items() if key in wanted),
        received_ns,
    )


def _wider(one: _Placed, other: _Placed) -> _Around:
    """Of two surroundings of one span, that of a copy with an end, then the one that says more; received first."""
    ranked = [(bool(span.end_time_unix_nano), len(around.wire), around.wire, around) for span, around in (one, other)]
    chosen = max(ranked, key=lambda each: each[:3])[3]
    return replace(chosen, received_ns=min(one[1].received_ns, other[1].received_ns))


def _read(rows: _Rows, row: int, span: Span, around: _Around) -> None:
    """Wanted attributes of a span's events, its surroundings and itself as text, the first of each; others counted."""
    texts, unread, patterns = rows.texts, rows.unread, rows.patterns
    for event in reversed(span.events):  # of several events of one name the last counts
        if event.name in rows.events:
            _event(rows, row, event)
    for key, text in around.texts:
        texts[key].setdefault(row, text)
    for attribute in span.attributes:
        key = attribute.key
        column = texts.get(key)
        if column is None and (pattern := patterns[key]):
            column = texts[pattern]
        if column is None:
            unread[key] = unread.get(key, 0) + 1
        elif row not in column:
            value = attribute.value
            column[row] = value.string_value or attribute_text(value)


class _Patterns(dict[str, str]):
    """By attribute name, the most specific pattern that fits it, whatever its case; empty where none does."""

    _MOST = 100_000  # senders choose the names, so the memory of them is bounded

    def __init__(self, patterns: Iterable[str]) -> None:
        super().__init__()
        ordered = sorted(patterns, key=lambda each: (-len(each), each))
        self._fits = [(re.compile(translate(each.lower())).match, each) for each in ordered]
        self._any = re.compile("|".join(translate(each.lower()) for each in ordered)).match

    def __missing__(self, key: str) -> str:
        if not self._fits:
            return ""
        lower = key.lower()
        found = next((pattern for fits, pattern in self._fits if fits(lower)), "") if self._any(lower) else ""
        if len(self) >= self._MOST:
            self.clear()
        if len(key) <= 256:
            self[key] = found
        return found


@lru_cache(maxsize=8)
def _patterns(wanted: frozenset[str]) -> _Patterns:
    return _Patterns(key for key in wanted if "*" in key)


def _event(rows: _Rows, row: int, event: Span.Event) -> None:
    """Wanted attributes of one event; of repeated keys the last counts."""
    for attribute in reversed(event.attributes):
        column = rows.texts.get(f"event.{event.name}/{attribute.key}")
        if column is not None:
            column.setdefault(row, attribute_text(attribute.value))


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


def attribute_text(value: AnyValue) -> str:
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


def _columns(spans: Mapping[_Key, _Placed], repeats: int, wanted: frozenset[str]) -> DecodedSpans:
    """Spans as one Arrow table; only keys that occur become columns, named `@key`."""
    rows = _Rows(wanted)
    for row, ((trace_id, span_id), (span, around)) in enumerate(spans.items()):
        _read(rows, row, span, around)
        rows.base.append(_base(trace_id, span_id, span, around))
    transposed = zip(*rows.base, strict=True) if rows.base else ([] for _ in BASE_SCHEMA)
    arrays = [pa.array(column, entry.type) for column, entry in zip(transposed, BASE_SCHEMA, strict=True)]
    keys = sorted(key for key, texts in rows.texts.items() if texts)
    arrays += [_scattered(rows.texts[key], len(rows.base)) for key in keys]
    return DecodedSpans(
        pa.table(arrays, names=[*BASE_SCHEMA.names, *(f"@{key}" for key in keys)]),
        frozenset(keys),
        rows.unread,
        repeats,
    )


def _joined(parts: Sequence[DecodedSpans]) -> DecodedSpans:
    """Spans of several tables in one."""
    unread: Counter[str] = Counter()
    for part in parts:
        unread.update(part.unread)
    table = pa.concat_tables([part.table for part in parts], promote_options="default")
    return DecodedSpans(
        table, frozenset().union(*(part.keys for part in parts)), unread, sum(part.repeats for part in parts)
    )


def _scattered(texts: Mapping[int, str], size: int) -> "pa.Array[pa.StringScalar]":
    """Texts by row as a column of `size` rows; null where there is none, it says "nothing" or was dropped."""
    said: list[str | None] = list(texts.values())
    if not EMPTY_TEXTS.isdisjoint(said):
        said = [None if text in EMPTY_TEXTS else text for text in said]
    at = np.fromiter(texts, np.int64, len(texts))
    places = np.full(size, -1, np.int64)
    places[at] = np.arange(len(texts))
    told = pa.array(said, pa.string())
    if pc.any(pc.starts_with(told, DROP_MARK_PREFIX)).as_py():
        told = pa.array([None if text and is_drop_mark(text) else text for text in said], pa.string())
    return told.take(pa.array(places, pa.int64(), mask=places < 0))


def attribute_texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Attributes as text by key, without those that say "nothing" or were dropped."""
    return {
        a.key: text
        for a in attributes
        if (text := attribute_text(a.value)) not in EMPTY_TEXTS and not is_drop_mark(text)
    }
