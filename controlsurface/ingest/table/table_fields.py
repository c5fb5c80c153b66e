"""The fields a table can fill: their type, and the attribute of our vocabulary that carries each."""

from dataclasses import dataclass
from typing import Literal

FieldKind = Literal["text", "whole", "number", "flag", "time"]


@dataclass(frozen=True, slots=True)
class TableField:
    """A field's type and its span attribute; empty where the span itself carries it. `scale` leads to its unit."""

    kind: FieldKind
    attribute: str = ""
    scale: float = 1.0


REQUEST_FIELDS = {
    "started_at": TableField("time"),
    "duration_ms": TableField("number"),
    "service": TableField("text"),
    "request_id": TableField("text", "controlsurface.request_id"),
    "session_id": TableField("text", "session.id"),
    "user_id": TableField("text", "user.id"),
    "task_type": TableField("text", "controlsurface.task_type"),
    "lane": TableField("text", "controlsurface.lane"),
    "router": TableField("text", "controlsurface.router.name"),
    "router_version": TableField("text", "controlsurface.router.version"),
    "reason": TableField("text", "controlsurface.router.reason"),
    "confidence": TableField("number", "controlsurface.router.confidence"),
    "confidence_kind": TableField("text", "controlsurface.router.confidence_kind"),
    "threshold": TableField("number", "controlsurface.router.threshold"),
    "selected_model": TableField("text", "controlsurface.router.model"),
    "escalation_reason": TableField("text", "controlsurface.escalation.reason"),
    "cache_hit": TableField("flag", "controlsurface.cache.hit"),
    "cache": TableField("text", "controlsurface.cache.kind"),
    "mode": TableField("text", "controlsurface.mode"),
    "tenant": TableField("text", "controlsurface.tenant"),
    "team": TableField("text", "controlsurface.team"),
    "job": TableField("text", "controlsurface.job"),
    "environment": TableField("text", "controlsurface.environment"),
    "error_type": TableField("text", "error.type"),
}
ATTEMPT_FIELDS = {
    "offset_ms": TableField("number"),
    "duration_ms": TableField("number"),
    "model": TableField("text", "gen_ai.request.model"),
    "provider": TableField("text", "gen_ai.provider.name"),
    "lane": TableField("text", "controlsurface.lane"),
    "purpose": TableField("text", "controlsurface.purpose"),
    "ttft_ms": TableField("number", "gen_ai.response.time_to_first_chunk", 0.001),
    "input_tokens": TableField("whole", "gen_ai.usage.input_tokens"),
    "cached_tokens": TableField("whole", "gen_ai.usage.cache_read.input_tokens"),
    "cache_write_tokens": TableField("whole", "gen_ai.usage.cache_write.input_tokens"),
    "output_tokens": TableField("whole", "gen_ai.usage.output_tokens"),
    "reasoning_tokens": TableField("whole", "gen_ai.usage.reasoning.output_tokens"),
    "cost_usd": TableField("number", "controlsurface.cost_usd"),
    "gate": TableField("text", "controlsurface.quality_gate.name"),
    "gate_passed": TableField("flag", "controlsurface.quality_gate.passed"),
    "answer_label": TableField("text", "controlsurface.answer.label"),
    "sampling_probability": TableField("number", "controlsurface.sampling.probability"),
    "error_type": TableField("text", "error.type"),
}
