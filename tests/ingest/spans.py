"""Spans in a few words, for tests of the derivation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Value = str | int | float | bool
JOINING = (".id", "_id", ".of")  # ends of the names that hold spans of several traces together
T0_NS = 1_795_000_000_000_000_000


@dataclass(frozen=True)
class S:
    """A span: ids are small numbers, times are milliseconds after T0."""

    own: int
    parent: int = 0
    attributes: Mapping[str, Value] = field(default_factory=dict)
    start: int = 0
    end: int = 100
    error: bool = False
    name: str = "span"
    kind: int = 1
    trace: int = 1


def call(
    own: int, parent: int = 0, model: str = "slm-7b", at: int = 0, error: bool = False, trace: int = 1, **more: Any
) -> S:
    """A model call by the OpenTelemetry names; `__` in a keyword stands for a dot."""
    attributes: dict[str, Value] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    if not error:
        attributes |= {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    attributes |= {key.replace("__", "."): value for key, value in more.items()}
    return S(own, parent, attributes, at, at + 10, error, f"chat {model}", 3, trace)


def route(own: int, parent: int = 0, trace: int = 1, **more: Any) -> S:
    """A routing span of our own vocabulary: `confidence=0.5` is controlsurface.router.confidence."""
    names = {"confidence": "router.confidence", "threshold": "router.threshold", "reason": "router.reason"}
    attributes = {f"controlsurface.{names.get(key, key.replace('__', '.'))}": value for key, value in more.items()}
    return S(own, parent, {"controlsurface.router.name": "r", **attributes}, 0, 100, trace=trace, name="route")


def apart(number: int, spans: Iterable[S]) -> list[S]:
    """The spans of an example, in traces and with ids that no example of another number has."""
    return [replace(span, trace=10_000 * number + span.trace, attributes=_own_ids(number, span)) for span in spans]


def _own_ids(number: int, span: S) -> dict[str, Value]:
    return {name: f"{said}-{number}" if name.endswith(JOINING) else said for name, said in span.attributes.items()}


def body(*spans: S, scope: str = "") -> bytes:
    """All spans in one export, of one instrumentation scope."""
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add(spans=[_span(span) for span in spans]).scope.name = scope
    return export.SerializeToString()


def _span(span: S) -> Span:
    result = Span(
        trace_id=span.trace.to_bytes(16, "big"),
        span_id=span.own.to_bytes(8, "big"),
        parent_span_id=span.parent.to_bytes(8, "big") if span.parent else b"",
        name=span.name,
        kind=Span.SpanKind.ValueType(span.kind),
        start_time_unix_nano=T0_NS + span.start * 1_000_000,
        end_time_unix_nano=T0_NS + span.end * 1_000_000,
        attributes=[KeyValue(key=key, value=_value(value)) for key, value in span.attributes.items()],
    )
    if span.error:
        result.status.code = result.status.STATUS_CODE_ERROR
    return result


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)
