"""Every metric, once. A new one is one entry in `entries/`; it then works in the API, the CLI, pages and `docs/`."""

from dataclasses import replace

from controlsurface.metrics.entries import (
    cache,
    context,
    growth,
    ingest,
    latency,
    money,
    quality,
    reliability,
    savings,
    surface,
    tokens,
    traffic,
)
from controlsurface.metrics.metric import Metric

GROUPS: dict[str, tuple[Metric, ...]] = {
    "control surface": surface.METRICS,
    "traffic": traffic.METRICS,
    "latency": latency.METRICS,
    "quality": quality.METRICS,
    "reliability": reliability.METRICS,
    "money": money.METRICS,
    "savings": savings.METRICS,
    "cache and batch": cache.METRICS,
    "tokens": tokens.METRICS,
    "context": context.METRICS,
    "growth": growth.METRICS,
    "ingest": ingest.METRICS,
}

CATALOG: dict[str, Metric] = {
    metric.id: replace(metric, group=group) for group, metrics in GROUPS.items() for metric in metrics
}
