"""Rows as spans: one routing span a row, and a call for each attempt."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from controlsurface.ingest.table import table_mapping
from controlsurface.ingest.table.row_reader import ROW_NUMBER_COLUMN, Row
from controlsurface.ingest.table.table_mapping import AttemptMapping, TableField, TableMapping

_SCOPE = InstrumentationScope(name="controlsurface.import")
_MAX_DURATION_MS = 100 * 86_400_000.0
_UNKNOWN_DURATION_NS = 1_000  # how long an attempt of unknown duration holds up the next one

Value = bool | int | float | str
_VALUE_FIELDS = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}


def rows_to_body(rows: Iterable[Row], rules: TableMapping, digest: bytes) -> bytes:
    """A serialised ExportTraceServiceRequest with the spans of these rows, in their order, grouped by service."""
    services: dict[str, list[Span]] = {}
    for row in rows:
        services.setdefault(row.get("request.service") or "", []).extend(_spans(row, rules, digest))
    return ExportTraceServiceRequest(resource_spans=map(_resource, services, services.values())).SerializeToString()


def _resource(service: str, spans: list[Span]) -> ResourceSpans:
    named = [_key_value("service.name", service)] if service else []
    return ResourceSpans(resource=Resource(attributes=named), scope_spans=[ScopeSpans(scope=_SCOPE, spans=spans)])


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids of one row, which the same table, mapping name and row number always get again."""

    trace: bytes

    @staticmethod
    def of(row: Row, rules: TableMapping, digest: bytes) -> "_Ids":
        named = f"{rules.name}\n{row[ROW_NUMBER_COLUMN]}".encode()
        return _Ids(hashlib.blake2b(named, key=digest, digest_size=16).digest())

    def span(self, number: int) -> bytes:
        return hashlib.blake2b(number.to_bytes(4), key=self.trace, digest_size=8).digest()


def _spans(row: Row, rules: TableMapping, digest: bytes) -> Iterator[Span]:
    ids = _Ids.of(row, rules, digest)
    start = row["request.started_at"]
    values = _values(row, "request", rules.request, table_mapping.REQUEST_FIELDS)
    routing = _span(ids, 0, "route", start, _length_ns(row.get("request.duration_ms")), values)
    yield routing
    request_id = values.get("controlsurface.request_id") or f"{ids.trace.hex()}-{routing.span_id.hex()}"
    at = start
    for i, attempt in enumerate(rules.attempts):
        place = f"attempts.{i}"
        if attempt.when and not row[f"{place}.when"]:
            continue
        offset, length = (_length_ns(row.get(f"{place}.{name}")) for name in ("offset_ms", "duration_ms"))
        begin = at if offset is None else start + offset
        yield _span(ids, i + 1, "chat", begin, length, _call(row, place, attempt, str(request_id)))
        at = begin + (_UNKNOWN_DURATION_NS if length is None else length)


def _call(row: Row, place: str, attempt: AttemptMapping, request_id: str) -> dict[str, Value]:
    shadow = {"controlsurface.purpose": "shadow", "controlsurface.shadow.of": request_id} if attempt.shadow else {}
    values = _values(row, place, attempt.columns, table_mapping.ATTEMPT_FIELDS)
    return {"gen_ai.operation.name": "chat", **shadow, **values}


def _values(row: Row, place: str, names: Iterable[str], known: dict[str, TableField]) -> dict[str, Value]:
    """The attributes that a row fills: null, NaN and infinity fill none."""
    filled: dict[str, Value] = {}
    for name in names:
        field, value = known[name], row.get(f"{place}.{name}")
        if field.attribute and value is not None and (not isinstance(value, float) or math.isfinite(value)):
            filled[field.attribute] = value * field.scale if field.kind == "number" else value
    return filled


def _span(ids: _Ids, number: int, name: str, start: int, length: int | None, values: dict[str, Value]) -> Span:
    """A span; without a length its end is left at zero, which says unknown."""
    failed = "error.type" in values
    return Span(
        trace_id=ids.trace,
        span_id=ids.span(number),
        parent_span_id=ids.span(0) if number else b"",
        name=name,
        kind=Span.SPAN_KIND_CLIENT if number else Span.SPAN_KIND_SERVER,
        start_time_unix_nano=start,
        end_time_unix_nano=0 if length is None else start + length,
        attributes=[_key_value(key, value) for key, value in values.items()],
        status=Status(code=Status.STATUS_CODE_ERROR) if failed else None,
    )


def _key_value(key: str, value: Value) -> KeyValue:
    found = KeyValue(key=key)
    setattr(found.value, _VALUE_FIELDS[type(value)], value)
    return found


def _length_ns(milliseconds: float | None) -> int | None:
    """A duration in nanoseconds; None for one that cannot be: negative, not finite, or a hundred days."""
    return round(milliseconds * 1e6) if milliseconds is not None and 0 <= milliseconds < _MAX_DURATION_MS else None
