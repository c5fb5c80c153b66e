"""Simulated requests as spans of the OpenTelemetry SDK, with the ids and times that the simulation chose."""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode

from controlsurface.demo.request_spans import SimulatedCall, SimulatedRequest

_SERVICES = ("assistant-api", "pipeline-api")


class _PlannedIds(IdGenerator):
    """Hands out the ids that the simulation has set."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class _Collected(SpanProcessor):
    """Keeps ended spans until they are taken."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class SdkTracing:
    """One SDK tracer for each simulated service; ended spans wait in `take()`."""

    def __init__(self) -> None:
        self._ids = _PlannedIds()
        self._collected = _Collected()
        self._tracers: Mapping[str, trace.Tracer] = {service: self._tracer(service) for service in _SERVICES}

    def record(self, request: SimulatedRequest) -> int:
        """Make the spans of one request; how many now wait."""
        tracer, self._ids.trace_id, self._ids.span_id = (
            self._tracers[request.service],
            request.trace_id,
            request.span_id,
        )
        root = tracer.start_span(
            "route", Context(), SpanKind.SERVER, request.attributes, start_time=request.start_ns, record_exception=False
        )
        below = trace.set_span_in_context(root, Context())
        for call in request.calls:
            self._call(tracer, call, below)
        if request.error:
            root.set_attribute("error.type", request.error)
            root.set_status(Status(StatusCode.ERROR))
        root.end(request.end_ns)
        return len(self._collected.spans)

    def take(self) -> list[ReadableSpan]:
        """All spans that wait, which then no longer do."""
        taken, self._collected.spans = self._collected.spans, []
        return taken

    def _call(self, tracer: trace.Tracer, call: SimulatedCall, below: Context) -> None:
        self._ids.span_id = call.span_id
        span = tracer.start_span(call.name, below, SpanKind.CLIENT, call.attributes, start_time=call.start_ns)
        if call.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(call.end_ns)

    def _tracer(self, service: str) -> trace.Tracer:
        provider = TracerProvider(ALWAYS_ON, Resource({"service.name": service}), False, id_generator=self._ids)
        provider.add_span_processor(self._collected)
        return provider.get_tracer("controlsurface.demo")
