"""Every metric, once. A new one is one entry in `entries/`; it then works in the API, the CLI, pages and `docs/`."""

from dataclasses import replace

from controlsurface.metrics.entries import (
    cache_metrics,
    context_metrics,
    cost_metrics,
    growth_metrics,
    ingest_metrics,
    latency_metrics,
    quality_metrics,
    reliability_metrics,
    savings_metrics,
    surface_metrics,
    token_metrics,
    traffic_metrics,
)
from controlsurface.metrics.metric import Metric

METRIC_GROUPS: dict[str, tuple[Metric, ...]] = {
    "control surface": surface_metrics.METRICS,
    "traffic": traffic_metrics.METRICS,
    "latency": latency_metrics.METRICS,
    "quality": quality_metrics.METRICS,
    "reliability": reliability_metrics.METRICS,
    "money": cost_metrics.METRICS,
    "savings": savings_metrics.METRICS,
    "cache and batch": cache_metrics.METRICS,
    "tokens": token_metrics.METRICS,
    "context": context_metrics.METRICS,
    "growth": growth_metrics.METRICS,
    "ingest": ingest_metrics.METRICS,
}

CATALOG: dict[str, Metric] = {
    metric.id: replace(metric, group=group) for group, metrics in METRIC_GROUPS.items() for metric in metrics
}
