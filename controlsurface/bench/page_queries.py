"""What the pages ask for one view, panel by panel, as they ask it; how long each answer takes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.metric_batch import MetricBatchQuery
from controlsurface.client.queries.metric_queries import DistributionQuery
from controlsurface.client.query_protocol import SupportsQueries
from controlsurface.metrics.queries.batch_query import BatchQueryArgs
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.event_query import EventsArgs

WEEK = timedelta(days=7)
MAX_BUCKETS = 180  # of one series
BUCKET_STEPS = [timedelta(minutes=m) for m in (1, 2, 5, 10, 30, 60, 120, 240, 480, 1440)]

_TILE_METRICS = "escalation_rate confidence_below_threshold cost latency_p95 error_rate cost_per_request overhead_cost"
_KIND_METRICS = "escalation_rate_routed escalation_rate_cascaded escalation_rate_fallback"
_OUTCOME_METRICS = "requests request_share escalation_rate error_rate"
_COST_METRICS = "cost cost_share attempts priced_share"

# page: metrics, by, over time?, where
_PAGE_QUERIES: dict[str, tuple[tuple[str, str, bool, tuple[str, ...]], ...]] = {
    "overview": (
        ("priced_share", "", False, ()),
        (_TILE_METRICS, "", False, ()),
        (_TILE_METRICS, "", True, ()),
        ("latency_p95", "lane", False, ()),
        ("escalation_rate", "task_type", False, ()),
        ("escalation_rate threshold", "task_type", True, ()),
        ("latency_p50 latency_p95 cost", "lane", True, ()),
        ("unpriced_attempts", "model", False, ()),
    ),
    "routing": (
        ("requests", "lane", False, ()),
        (_KIND_METRICS, "", True, ()),
        (f"requests escalation_rate {_KIND_METRICS}", "task_type", False, ()),
        ("threshold confidence_below_threshold confidence_knife_edge confidence_missing", "task_type", False, ()),
        (_OUTCOME_METRICS, "reason", False, ()),
        ("requests request_share", "escalation_kind,escalation_reason", False, ()),
        (f"{_OUTCOME_METRICS} confidence_knife_edge latency_p95 cost_per_request", "router_version", False, ()),
    ),
    "latency": (
        ("requests latency_p50 latency_p95 latency_p99 ttft_p50 ttft_p95", "", False, ()),
        ("requests latency_p50 latency_p95 latency_p99 ttft_p50 ttft_p95", "lane", False, ()),
        ("latency_p95 latency_p50 latency_p99", "lane", True, ()),
        ("attempts attempt_latency_p50 attempt_latency_p95 attempt_error_rate", "lane,model", False, ()),
    ),
    "cost": (
        (_COST_METRICS, "lane", False, ()),
        (_COST_METRICS, "task_type", False, ()),
        (_COST_METRICS, "team", False, ()),
        (_COST_METRICS, "purpose", False, ()),
        (f"{_COST_METRICS} input_tokens cached_tokens output_tokens reasoning_tokens", "lane,model", False, ()),
        ("input_tokens output_tokens", "", True, ()),
    ),
    "compare": (("requests escalation_rate cost latency_p95 error_rate", "task_type", False, ("router_version:v2",)),),
    "one tenant": (("requests escalation_rate cost error_rate", "task_type", True, ("tenant:tenant-1",)),),
    "one task type": (("requests escalation_rate latency_p95 cost", "lane", True, ("task_type:task-1",)),),
}
_PAGE_DISTRIBUTIONS = (("confidence", "", True), ("latency_ms", "lane", False))


@dataclass(frozen=True, slots=True)
class PanelTiming:
    """One question and its answer's time."""

    name: str
    source: str
    seconds: float


def time_panels(
    reader: SupportsQueries, start: datetime, end: datetime, pages: Collection[str] = _PAGE_QUERIES
) -> Iterator[PanelTiming]:
    """Ask everything that these pages show of a window, one after the other, and what all of them show."""
    window: dict[str, Any] = {"start": start, "end": end}
    step = next(step for step in BUCKET_STEPS if (end - start) / step <= MAX_BUCKETS)
    for page, asked in ((page, _PAGE_QUERIES[page]) for page in pages):
        for metrics, by, over_time, where in asked:
            every = {"every": step} if over_time else {}
            yield _queries(
                reader, page, BatchQueryArgs(metrics=tuple(metrics.split()), by=by, where=where, **every, **window)
            )
    for column, by, over_time in _PAGE_DISTRIBUTIONS:
        args = DistributionArgs(column=column, by=by, every=step if over_time else None, **window)
        began = perf_counter()
        reader.run(DistributionQuery(args))
        yield PanelTiming(f"distribution {column}", "", perf_counter() - began)
    began = perf_counter()
    reader.run(EventsQuery(EventsArgs(**window)))
    yield PanelTiming("events", "", perf_counter() - began)


def _queries(reader: SupportsQueries, page: str, args: BatchQueryArgs) -> PanelTiming:
    """What one panel shows."""
    began = perf_counter()
    answer = reader.run(MetricBatchQuery(args))
    seconds = perf_counter() - began
    sources = dict.fromkeys(each["source"] for each in answer.facts["passes"])
    return PanelTiming(
        f"{page}: {' '.join(args.metrics)} by {','.join(args.by) or 'nothing'}", ", ".join(sources), seconds
    )
