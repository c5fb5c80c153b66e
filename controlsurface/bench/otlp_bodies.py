"""Bodies to measure with: OTLP as real clients send it, built once and made new by exchanging their trace ids."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

SPANS_A_TRACE = 4
_TRACE_ID_PREFIX = bytes.fromhex("c0117401c0117401")  # first half of every trace id in the template
_MODELS = ("slm-7b-2026-01-01", "gpt-large-2026-01-01")
_TASKS = ("classification", "extraction", "rag_answer", "summary", "code")
_WORDS = ("route", "the", "question", "to", "a", "small", "model", "unless", "confidence", "falls", "below")
_PROMPT_WORDS = 249  # gives the mean of 2.3 kB a span that was seen with prompts


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A serialised body and where its trace ids stand."""

    payload: bytes
    places: tuple[int, ...]
    spans: int

    def body(self, number: int) -> bytes:
        """The body with trace ids that no other number gives."""
        copy = bytearray(self.payload)
        mark = trace_id_prefix(number)
        for place in self.places:
            copy[place : place + 8] = mark
        return bytes(copy)


def trace_id_prefix(number: int) -> bytes:
    """The first half of all trace ids of a body."""
    return (number + 1).to_bytes(8, "big")


def first_trace_id(number: int) -> str:
    """The id of a body's first trace, in hex."""
    return (trace_id_prefix(number) + (1).to_bytes(8, "big")).hex()


def body_template(spans: int, now_ns: int, *, prompts: bool) -> BodyTemplate:
    """A body of about `spans` spans (whole traces of four) that started in the minute before `now_ns`."""
    chance = random.Random(2026)  # noqa: S311 - the same bodies every time
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    _put(resource.resource, {"service.name": "router", "deployment.environment": "bench", "host.name": "h1"})
    scope = resource.scope_spans.add()
    scope.scope.name = "controlsurface.bench"
    for number in range(1, max(1, spans // SPANS_A_TRACE) + 1):
        start = now_ns - chance.randrange(1, 60) * 10**9
        _trace(scope, number, start, chance, _PROMPT_WORDS if prompts else 0)
    payload = request.SerializeToString()
    return BodyTemplate(payload, tuple(_places(payload)), len(scope.spans))


def _places(payload: bytes) -> Iterator[int]:
    """Where the mark stands."""
    place = payload.find(_TRACE_ID_PREFIX)
    while place >= 0:
        yield place
        place = payload.find(_TRACE_ID_PREFIX, place + 8)


def _trace(scope: ScopeSpans, number: int, start: int, chance: random.Random, words: int) -> None:
    """A decision, its embedding call, a small model's answer that was not good enough, and a large model's."""
    confidence = chance.random()
    root = _span(scope, number, 1, start, "route")
    _put(
        root,
        {
            "controlsurface.task_type": chance.choice(_TASKS),
            "controlsurface.lane": "large",
            "controlsurface.router.name": "cascade",
            "controlsurface.router.version": "7",
            "controlsurface.router.confidence": confidence,
            "controlsurface.router.confidence_kind": "probability",
            "controlsurface.router.threshold": 0.7,
            "controlsurface.router.reason": "confidence below threshold",
            "controlsurface.escalation.reason": "low_confidence",
            "controlsurface.tenant": f"tenant-{chance.randrange(20)}",
            "controlsurface.team": f"team-{chance.randrange(5)}",
            **_surroundings(chance),
        },
    )
    _call(_span(scope, number, 2, start, "embeddings bge-small", 1), "embeddings", "bge-small", chance, 0)
    for place, model in enumerate(_MODELS):
        _call(_span(scope, number, 3 + place, start, f"chat {model}", 1), "chat", model, chance, 2 * words)
    _put(root, {"controlsurface.task_type": root.attributes[0].value.string_value})  # a key twice, as seen in the wild


def _call(span: Span, operation: str, model: str, chance: random.Random, words: int) -> None:
    """One call of a model."""
    span.kind = Span.SPAN_KIND_CLIENT
    _put(
        span,
        {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model.removesuffix("-2026-01-01"),
            "gen_ai.response.model": model,
            "gen_ai.response.id": f"chatcmpl-{chance.getrandbits(60):x}",
            "gen_ai.usage.input_tokens": chance.randrange(20, 4000),
            "gen_ai.usage.output_tokens": chance.randrange(1, 900),
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 1024,
            **_surroundings(chance),
        },
    )
    if words:
        text = " ".join(chance.choices(_WORDS, k=words))
        _put(
            span,
            {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])},
        )


def _surroundings(chance: random.Random) -> dict[str, str | int | float]:
    """What instrumentation adds everywhere."""
    return {
        "server.address": "models.internal",
        "server.port": 443,
        "session.id": f"s-{chance.getrandbits(32):x}",
        "user.id": f"u-{chance.randrange(1000)}",
        "http.response.status_code": 200,
        "thread.id": chance.randrange(64),
        "k8s.pod.name": f"router-{chance.getrandbits(40):x}",
        "gen_ai.conversation.id": f"c-{chance.getrandbits(32):x}",
    }


def _span(scope: ScopeSpans, trace: int, place: int, start: int, name: str, parent: int = 0) -> Span:
    """A span with its times, an event, and on the root a link."""
    span = scope.spans.add(
        trace_id=_TRACE_ID_PREFIX + trace.to_bytes(8, "big"),
        span_id=(trace * 8 + place).to_bytes(8, "big"),
        parent_span_id=(trace * 8 + parent).to_bytes(8, "big") if parent else b"",
        name=name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start + place * 10**6,
        end_time_unix_nano=start + place * 200 * 10**6,
        flags=1,
    )
    event = span.events.add(time_unix_nano=start + place * 2 * 10**6, name="gen_ai.first_chunk")
    _put(event, {"sequence": place})
    if not parent:
        span.links.add(trace_id=bytes(15) + b"\x01", span_id=bytes(7) + b"\x01")
    return span


def _put(holder: object, values: dict[str, str | int | float]) -> None:
    """Add attributes."""
    for key, value in values.items():
        kind = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
        setattr(holder.attributes.add(key=key).value, kind, value)  # type: ignore[attr-defined]
