"""What figures can be broken down and filtered by: one closed set for each source of rows."""

from typing import Literal

from controlsurface.errors import UnknownName

RowSource = Literal["requests", "attempts", "comparisons", "scores", "arrivals"]

SHARED_DIMENSIONS = (
    "task_type",
    "lane",
    "answered_by",
    "selected_model",
    "provider",
    "router",
    "router_version",
    "escalation_kind",
    "escalation_reason",
    "mode",
    "cache",
    "gate",
    "error_type",
    "cost_source",
    "tenant",
    "team",
    "job",
    "environment",
    "service",
    "architecture",
)

DIMENSIONS: dict[RowSource, tuple[str, ...]] = {
    "requests": (*SHARED_DIMENSIONS, "requested_model", "selected_lane", "reason", "confidence_kind"),
    "attempts": (*SHARED_DIMENSIONS, "purpose", "model", "request_lane", "operation", "service_tier", "unpriced_parts"),
    "comparisons": (
        "task_type",
        "lane",
        "model",
        "shadow_lane",
        "shadow_model",
        "router",
        "router_version",
        "tenant",
        "team",
        "architecture",
    ),
    "scores": (
        "evaluation",
        "label",
        "task_type",
        "lane",
        "model",
        "router",
        "router_version",
        "tenant",
        "team",
        "environment",
        "service",
        "architecture",
    ),
    "arrivals": ("service",),
}


def dimension_column(source: RowSource, name: str) -> str:
    """The dimension's column. Raises UnknownName, with the nearest one, for anything outside the closed set."""
    if name not in DIMENSIONS[source]:
        raise UnknownName(f"dimension of {source}", name, DIMENSIONS[source])
    return name
