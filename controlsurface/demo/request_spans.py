"""A decided request as it would be traced: the routing span and its model calls, with their attributes.

Only attributes of the documented vocabulary, and texts that nobody has written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlsurface.demo import demo_company
from controlsurface.demo.demo_company import DemoModel, DemoTask
from controlsurface.demo.demo_texts import ANSWER_KEY, PROMPT_KEY, answer_text, prompt_text
from controlsurface.demo.outcomes import MAX_CALL_MS, SHADOW_LARGE, DecidedRequest

Value = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Value]

_ERRORS = (("timeout", 8_000.0), ("rate_limit", 45.0), ("server_error", 240.0))
_REASONS = {
    "": "confidence above the threshold",
    "low_confidence": "confidence below the threshold",
    "context_length": "prompt longer than the small lane's window",
    "policy": "tenant policy",
}
_INTERACTIVE = {"classification", "rag_answer", "chat"}


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """One model call of a request."""

    span_id: int
    name: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    error: str = ""


@dataclass(frozen=True, slots=True)
class SimulatedRequest:
    """One routed request: its routing span and the calls below it, in order of their start."""

    service: str
    trace_id: int
    span_id: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    error: str
    calls: tuple[SimulatedCall, ...]

    @property
    def finished_ns(self) -> int:
        """When its last span ended: a shadow outlives the answer."""
        return max(self.end_ns, self.calls[-1].end_ns) if self.calls else self.end_ns


def build_request(row: DecidedRequest) -> SimulatedRequest:
    """The trace of one decided request."""
    trace = _Trace(row, demo_company.TASKS[row.task], row.at_ns)
    trace.wait(row.routing_ms)
    if row.classified:
        trace.overhead("classifier", 220, 4)
    error = "" if row.cached else _answer(trace)
    attributes = _routing(trace)
    end_ns = trace.now_ns
    if not (row.cached or error):
        _shadow(trace)
    service = "assistant-api" if trace.task.name in _INTERACTIVE else "pipeline-api"
    trace_id = row.ids[0] << 64 | row.ids[1]
    return SimulatedRequest(service, trace_id, row.ids[2], row.at_ns, end_ns, attributes, error, tuple(trace.calls))


@dataclass(slots=True)
class _Trace:
    """A request on its way: the clock, the calls so far, and why it was escalated."""

    row: DecidedRequest
    task: DemoTask
    now_ns: int
    calls: list[SimulatedCall] = field(default_factory=list)
    escalation: str = ""
    answered_small: bool = False

    def wait(self, milliseconds: float) -> None:
        self.now_ns += int(milliseconds * 1e6)

    def call(self, model: DemoModel, milliseconds: float, attributes: Attributes, error: str = "") -> None:
        """A model call from now on."""
        start_ns, span_id = self.now_ns, self.row.ids[3 + len(self.calls)]
        self.wait(min(milliseconds, MAX_CALL_MS))
        named = {**_named(model), **attributes}
        self.calls.append(SimulatedCall(span_id, f"chat {model.name}", start_ns, self.now_ns, named, error))

    def user(self, lane: str, fails: bool, gate: bool) -> str:
        """A call for the user's sake; its error, or nothing."""
        model = self.task.small if lane == "small" else self.task.large
        if fails:
            error, milliseconds = _ERRORS[int(self.row.error_kind * len(_ERRORS))]
            self.call(model, milliseconds, {"controlsurface.lane": lane, "error.type": error}, error)
            return error
        self.call(model, *self._answered(model, lane, gate))
        return ""

    def _answered(self, model: DemoModel, lane: str, gate: bool) -> tuple[float, Attributes]:
        attributes: dict[str, Value] = {"controlsurface.lane": lane, **self.usage(model, lane)}
        if self.task.gate:
            attributes["controlsurface.quality_gate.name"] = self.task.gate
            attributes["controlsurface.quality_gate.passed"] = gate
        if self.task.name == "classification" or self.shadow_probability(lane):
            attributes["controlsurface.answer.label"] = self.label(other=lane == "large")
        attributes |= self.texts(self.label(other=lane == "large"))
        first_ms, all_ms = self.duration_ms(model, lane)
        if self.task.name in _INTERACTIVE:
            attributes["gen_ai.response.time_to_first_chunk"] = round(first_ms / 1000, 4)
            attributes |= _anatomy(self.row.input_tokens)
        return all_ms, attributes

    def usage(self, model: DemoModel, lane: str) -> Attributes:
        """Tokens of an answer in this lane."""
        out = self.row.output_tokens if lane == "small" else self.row.large_output_tokens
        tokens: dict[str, Value] = {
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": self.row.input_tokens,
            "gen_ai.usage.output_tokens": out,
        }
        if self.row.prompt_cached:
            tokens["gen_ai.usage.cache_read.input_tokens"] = self.row.prompt_cached
        if model.reasoning:
            tokens["gen_ai.usage.reasoning.output_tokens"] = int(out * model.reasoning)
        return tokens

    def duration_ms(self, model: DemoModel, lane: str) -> tuple[float, float]:
        """Milliseconds to the first token and to the last; batch calls are served when there is room."""
        small = lane == "small"
        speed = (self.row.small_speed if small else self.row.large_speed) * (3 if self.row.batch else 1)
        out = self.row.output_tokens if small else self.row.large_output_tokens
        first = model.first_token_ms * speed * (1 + self.row.input_tokens / 20_000)
        return first, first + out * model.per_token_ms * speed

    def overhead(self, purpose: str, input_tokens: int, output_tokens: int) -> None:
        """A call for the router's sake, by the cheapest model."""
        model = demo_company.NANO
        milliseconds = model.first_token_ms * self.row.small_speed + output_tokens * model.per_token_ms
        tokens: Attributes = {"gen_ai.usage.input_tokens": input_tokens, "gen_ai.usage.output_tokens": output_tokens}
        self.call(model, milliseconds, {"controlsurface.purpose": purpose, "controlsurface.lane": "small", **tokens})

    def shadow_probability(self, lane: str) -> float:
        """With which probability this request was picked for a second answer; 0 where it was not."""
        probability = self.row.shadow_small if lane == "small" else SHADOW_LARGE
        return probability if self.row.shadow_draw < probability else 0

    def texts(self, label: str) -> Attributes:
        """What was asked, and the words of an answer."""
        return {PROMPT_KEY: prompt_text(self.task.name, self.row.user), ANSWER_KEY: answer_text(self.task.name, label)}

    def label(self, other: bool) -> str:
        """The short answer of the small lane, or the large lane's, which may differ."""
        labels = self.task.labels
        mine = int(self.row.label * len(labels))
        return labels[mine if not other or self.row.agrees else (mine + 1) % len(labels)]


def _answer(trace: _Trace) -> str:
    """The calls that answer the request: small, then large where that was not enough; the last error, if any."""
    row = trace.row
    if not row.reason:
        error = trace.user("small", row.small_fails, row.small_gate)
        if error and row.small_retried:
            error = trace.user("small", row.small_retry_fails, row.small_gate)
        if not error and row.judged:
            trace.overhead("judge", row.input_tokens, 6)
        if not error and row.small_gate:
            trace.answered_small = True
            return ""
    trace.escalation = row.reason or ("error" if error else "quality_gate")
    error = trace.user("large", row.large_fails, row.large_gate)
    return trace.user("large", row.large_retry_fails, row.large_gate) if error else ""


def _shadow(trace: _Trace) -> None:
    """The other lane's answer to a sampled request, after the user had his."""
    lane, other = ("small", "large") if trace.answered_small else ("large", "small")
    probability = trace.shadow_probability(lane)
    if not probability:
        return
    model = trace.task.large if other == "large" else trace.task.small
    trace.wait(250)
    attributes: Attributes = {
        **trace.texts(trace.label(other=other == "large")),
        "controlsurface.lane": other,
        "controlsurface.purpose": "shadow",
        "controlsurface.shadow.of": f"{trace.row.ids[0] << 64 | trace.row.ids[1]:032x}-{trace.row.ids[2]:016x}",
        "controlsurface.sampling.probability": probability,
        "controlsurface.answer.label": trace.label(other=other == "large"),
    }
    trace.call(model, trace.duration_ms(model, other)[1], {**trace.usage(model, other), **attributes})


def _routing(trace: _Trace) -> Attributes:
    """The attributes of the routing span."""
    row, task, tenant = trace.row, trace.task, demo_company.TENANTS[trace.row.tenant]
    attributes: dict[str, Value] = {
        "controlsurface.task_type": task.name,
        "controlsurface.router.name": demo_company.ROUTER_NAME,
        "controlsurface.router.version": demo_company.NEXT_VERSION if row.new_version else demo_company.ROUTER_VERSION,
        "controlsurface.mode": "batch" if row.batch else "realtime",
        "controlsurface.tenant": tenant,
        "controlsurface.team": task.team,
        "controlsurface.environment": "staging" if row.staging else "production",
        "user.id": f"{tenant}-u{row.user:02}",
        "session.id": f"{tenant}-u{row.user:02}-{row.at_ns // (6 * 3600 * 10**9)}",
    }
    if row.batch:
        attributes["controlsurface.job"] = f"nightly-{task.name}"
    if trace.escalation:
        attributes["controlsurface.escalation.reason"] = trace.escalation
    return {**attributes, **(_cache(row) if row.cached else _decision(row))}


def _cache(row: DecidedRequest) -> Attributes:
    kind = "semantic" if row.semantic else "exact"
    return {"controlsurface.lane": "cache", "controlsurface.cache.hit": True, "controlsurface.cache.kind": kind}


def _decision(row: DecidedRequest) -> Attributes:
    return {
        "controlsurface.lane": "large" if row.reason else "small",
        "controlsurface.router.confidence": row.confidence,
        "controlsurface.router.confidence_kind": "probability",
        "controlsurface.router.threshold": row.threshold,
        "controlsurface.router.reason": _REASONS[row.reason],
    }


def _named(model: DemoModel) -> dict[str, Value]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": model.provider,
        "gen_ai.request.model": model.name,
        "gen_ai.response.model": model.dated,
    }


def _anatomy(input_tokens: int) -> Attributes:
    """Input tokens by origin; together they are all of them."""
    system, tools, retrieved = input_tokens // 5, input_tokens // 10, input_tokens // 2
    return {
        "controlsurface.context.system": system,
        "controlsurface.context.retrieved": retrieved,
        "controlsurface.context.tools": tools,
        "controlsurface.context.history": input_tokens - system - tools - retrieved,
    }
