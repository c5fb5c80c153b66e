"""What the pages ask for one view, how long each answer takes, and people who ask it again and again."""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, TypeVar

from controlsurface.client import RemoteClient
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.metric_queries import BatchQuery, DistributionQuery
from controlsurface.client.query_protocol import Query, R, SupportsQueries
from controlsurface.client.result_cache import SharedResults
from controlsurface.metrics.queries.batch_query import BatchArgs
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
            args = BatchArgs(metrics=tuple(metrics.split()), by=by, where=where, **every, **window)
            yield _queries(reader, page, args)
    for column, by, over_time in _PAGE_DISTRIBUTIONS:
        bins = DistributionArgs(column=column, by=by, every=step if over_time else None, **window)
        yield PanelTiming(f"distribution {column}", "", answer_seconds(reader, DistributionQuery(bins)))
    yield PanelTiming("events", "", answer_seconds(reader, EventsQuery(EventsArgs(**window))))


def answer_seconds(reader: SupportsQueries, query: Query[Any]) -> float:
    """How long the answer to a query takes."""
    began = perf_counter()
    reader.run(query)
    return perf_counter() - began


def _queries(reader: SupportsQueries, page: str, args: BatchArgs) -> PanelTiming:
    """What one panel shows."""
    began = perf_counter()
    answer = reader.run(BatchQuery(args))
    seconds = perf_counter() - began
    sources = ", ".join(dict.fromkeys(each["source"] for each in answer.facts["passes"]))
    return PanelTiming(f"{page}: {' '.join(args.metrics)} by {','.join(args.by) or 'nothing'}", sources, seconds)


REFRESH_INTERVAL = timedelta(seconds=10)  # of the live dashboard
SLOW_REFRESH_INTERVAL = timedelta(minutes=1)  # where it asks about days
VIEW_LENGTHS = [timedelta(days=days) for days in (1, 3, 7, 28)]  # of its bar
MAX_CACHED_ANSWERS = 512

T = TypeVar("T")


class SharedAnswersReader:
    """A reader whose answers are shared with other sessions; `seconds` has how long those took that were not known."""

    def __init__(self, reader: SupportsQueries, answers: SharedResults[Any]) -> None:
        self._reader, self._answers = reader, answers
        self.seconds: list[float] = []

    def run(self, query: Query[R]) -> R:
        """A query's answer, unless another session has it."""
        name = repr(query)

        def timed() -> R:
            began = time.perf_counter()
            found = self._reader.run(query)
            self.seconds.append(time.perf_counter() - began)
            return found

        found: R = self._answers.of([name], lambda _: {name: timed()})[0]
        return found


class DashboardSession(threading.Thread):
    """Asks until told to stop; its first refresh comes somewhere within one, as if it had been there before."""

    def __init__(
        self, api: str, window: timedelta, refresh: timedelta, late: timedelta, answers: SharedResults[Any]
    ) -> None:
        super().__init__(daemon=True)
        self._reader = RemoteClient(api)
        self._shared = SharedAnswersReader(self._reader, answers)
        self.seconds = self._shared.seconds  # how long each panel took that this session asked for
        self._window, self._refresh, self._late_s = window, refresh, late.total_seconds()
        self._over = threading.Event()

    def run(self) -> None:
        """One refresh after the other."""
        self._over.wait(self._late_s)
        while not self._over.is_set():
            began = time.monotonic()
            self._look()
            self._over.wait(max(0.0, self._refresh.total_seconds() - (time.monotonic() - began)))

    def _look(self) -> None:
        end = _floored(datetime.now(UTC), self._refresh) + self._refresh
        for _ in time_panels(self._shared, end - self._window, end, ["overview"]):
            if self._over.is_set():
                return

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()
        self.join()
        self._reader.close()


@contextmanager
def dashboard_sessions(api: str, sessions: int) -> Iterator[list[float]]:
    """That many sessions meanwhile; the list holds the seconds of all their panels afterwards."""
    known = {each: SharedResults[Any](each, MAX_CACHED_ANSWERS) for each in (REFRESH_INTERVAL, SLOW_REFRESH_INTERVAL)}
    people = []
    for number in range(sessions):
        window = VIEW_LENGTHS[number % len(VIEW_LENGTHS)]
        refresh = REFRESH_INTERVAL if window == VIEW_LENGTHS[0] else SLOW_REFRESH_INTERVAL
        people.append(DashboardSession(api, window, refresh, refresh * number / sessions, known[refresh]))
    seconds: list[float] = []
    for each in people:
        each.start()
    try:
        yield seconds
    finally:
        for each in people:
            each.stop()
            seconds += each.seconds


def _floored(moment: datetime, step: timedelta) -> datetime:
    """The last multiple of a step."""
    return moment - (moment - datetime.min.replace(tzinfo=UTC)) % step
