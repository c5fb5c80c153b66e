"""What the pages ask for one view, panel by panel, as they ask it; how long each answer takes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.several import SeveralArgs
from controlsurface.reader.asking import SupportsAsk
from controlsurface.reader.events import EventsQuery
from controlsurface.reader.figures import DistributionQuery
from controlsurface.reader.several import Several

WEEK = timedelta(days=7)
BUCKETS = 180  # of one series
STEPS = [timedelta(minutes=m) for m in (1, 2, 5, 10, 30, 60, 120, 240, 480, 1440)]

_TILES = "escalation_rate confidence_below_threshold cost latency_p95 error_rate cost_per_request overhead_cost"
_KINDS = "escalation_rate_routed escalation_rate_cascaded escalation_rate_fallback"
_OUTCOME = "requests request_share escalation_rate error_rate"
_SPENT = "cost cost_share attempts priced_share"

# page: metrics, by, over time?, where
_QUESTIONS: dict[str, tuple[tuple[str, str, bool, tuple[str, ...]], ...]] = {
    "overview": (
        ("priced_share", "", False, ()),
        (_TILES, "", False, ()),
        (_TILES, "", True, ()),
        ("latency_p95", "lane", False, ()),
        ("escalation_rate", "task_type", False, ()),
        ("escalation_rate threshold", "task_type", True, ()),
        ("latency_p50 latency_p95 cost", "lane", True, ()),
        ("unpriced_attempts", "model", False, ()),
    ),
    "routing": (
        ("requests", "lane", False, ()),
        (_KINDS, "", True, ()),
        (f"requests escalation_rate {_KINDS}", "task_type", False, ()),
        ("threshold confidence_below_threshold confidence_knife_edge confidence_missing", "task_type", False, ()),
        (_OUTCOME, "reason", False, ()),
        ("requests request_share", "escalation_kind,escalation_reason", False, ()),
        (f"{_OUTCOME} confidence_knife_edge latency_p95 cost_per_request", "router_version", False, ()),
    ),
    "latency": (
        ("requests latency_p50 latency_p95 latency_p99 ttft_p50 ttft_p95", "", False, ()),
        ("requests latency_p50 latency_p95 latency_p99 ttft_p50 ttft_p95", "lane", False, ()),
        ("latency_p95 latency_p50 latency_p99", "lane", True, ()),
        ("attempts attempt_latency_p50 attempt_latency_p95 attempt_error_rate", "lane,model", False, ()),
    ),
    "cost": (
        (_SPENT, "lane", False, ()),
        (_SPENT, "task_type", False, ()),
        (_SPENT, "team", False, ()),
        (_SPENT, "purpose", False, ()),
        (f"{_SPENT} input_tokens cached_tokens output_tokens reasoning_tokens", "lane,model", False, ()),
        ("input_tokens output_tokens", "", True, ()),
    ),
    "compare": (("requests escalation_rate cost latency_p95 error_rate", "task_type", False, ("router_version:v2",)),),
    "one tenant": (("requests escalation_rate cost error_rate", "task_type", True, ("tenant:tenant-1",)),),
    "one task type": (("requests escalation_rate latency_p95 cost", "lane", True, ("task_type:task-1",)),),
}
_BINS = (("confidence", "", True), ("latency_ms", "lane", False))


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its answer's time."""

    name: str
    source: str
    seconds: float


def panels(reader: SupportsAsk, start: datetime, end: datetime, pages: Collection[str] = _QUESTIONS) -> Iterator[Asked]:
    """Ask everything that these pages show of a window, one after the other, and what all of them show."""
    window: dict[str, Any] = {"start": start, "end": end}
    step = next(step for step in STEPS if (end - start) / step <= BUCKETS)
    for page, asked in ((page, _QUESTIONS[page]) for page in pages):
        for metrics, by, over_time, where in asked:
            every = {"every": step} if over_time else {}
            yield _queries(
                reader, page, SeveralArgs(metrics=tuple(metrics.split()), by=by, where=where, **every, **window)
            )
    for column, by, over_time in _BINS:
        args = DistributionArgs(column=column, by=by, every=step if over_time else None, **window)
        began = perf_counter()
        reader.ask(DistributionQuery(args))
        yield Asked(f"distribution {column}", "", perf_counter() - began)
    began = perf_counter()
    reader.ask(EventsQuery(EventsArgs(**window)))
    yield Asked("events", "", perf_counter() - began)


def _queries(reader: SupportsAsk, page: str, args: SeveralArgs) -> Asked:
    """What one panel shows."""
    began = perf_counter()
    answer = reader.ask(Several(args))
    seconds = perf_counter() - began
    sources = dict.fromkeys(each["source"] for each in answer.facts["passes"])
    return Asked(f"{page}: {' '.join(args.metrics)} by {','.join(args.by) or 'nothing'}", ", ".join(sources), seconds)
