"""The fields a table can fill: their type, and the attribute of our vocabulary that carries each."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "whole", "number", "flag", "time"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field's type and its span attribute; empty where the span itself carries it. `scale` leads to its unit."""

    kind: Kind
    attribute: str = ""
    scale: float = 1.0


REQUEST = {
    "started_at": Field("time"),
    "duration_ms": Field("number"),
    "service": Field("text"),
    "request_id": Field("text", "controlsurface.request_id"),
    "session_id": Field("text", "session.id"),
    "user_id": Field("text", "user.id"),
    "task_type": Field("text", "controlsurface.task_type"),
    "lane": Field("text", "controlsurface.lane"),
    "router": Field("text", "controlsurface.router.name"),
    "router_version": Field("text", "controlsurface.router.version"),
    "reason": Field("text", "controlsurface.router.reason"),
    "confidence": Field("number", "controlsurface.router.confidence"),
    "confidence_kind": Field("text", "controlsurface.router.confidence_kind"),
    "threshold": Field("number", "controlsurface.router.threshold"),
    "selected_model": Field("text", "controlsurface.router.model"),
    "escalation_reason": Field("text", "controlsurface.escalation.reason"),
    "cache_hit": Field("flag", "controlsurface.cache.hit"),
    "cache": Field("text", "controlsurface.cache.kind"),
    "mode": Field("text", "controlsurface.mode"),
    "tenant": Field("text", "controlsurface.tenant"),
    "team": Field("text", "controlsurface.team"),
    "job": Field("text", "controlsurface.job"),
    "environment": Field("text", "controlsurface.environment"),
    "error_type": Field("text", "error.type"),
}
ATTEMPT = {
    "offset_ms": Field("number"),
    "duration_ms": Field("number"),
    "model": Field("text", "gen_ai.request.model"),
    "provider": Field("text", "gen_ai.provider.name"),
    "lane": Field("text", "controlsurface.lane"),
    "purpose": Field("text", "controlsurface.purpose"),
    "ttft_ms": Field("number", "gen_ai.response.time_to_first_chunk", 0.001),
    "input_tokens": Field("whole", "gen_ai.usage.input_tokens"),
    "cached_tokens": Field("whole", "gen_ai.usage.cache_read.input_tokens"),
    "cache_write_tokens": Field("whole", "gen_ai.usage.cache_write.input_tokens"),
    "output_tokens": Field("whole", "gen_ai.usage.output_tokens"),
    "reasoning_tokens": Field("whole", "gen_ai.usage.reasoning.output_tokens"),
    "cost_usd": Field("number", "controlsurface.cost_usd"),
    "gate": Field("text", "controlsurface.quality_gate.name"),
    "gate_passed": Field("flag", "controlsurface.quality_gate.passed"),
    "answer_label": Field("text", "controlsurface.answer.label"),
    "sampling_probability": Field("number", "controlsurface.sampling.probability"),
    "error_type": Field("text", "error.type"),
}
