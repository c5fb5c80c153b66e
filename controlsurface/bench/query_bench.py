"""How soon pages, traces, contributors and the week's bill are answered, of a store of so many requests."""

import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from controlsurface.bench.bench_collector import bench_collector
from controlsurface.bench.page_queries import PanelTiming, answer_seconds, time_panels
from controlsurface.bench.request_history import GeneratedHistory, generate_history
from controlsurface.client import Client, LocalClient
from controlsurface.client.queries.contributor_result import ContributorsQuery
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.client.queries.request_detail import Near, RequestQuery, TraceQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.client.query_protocol import Query
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.money.cost_attribution import DEFAULT_DIMENSIONS, AttributionArgs, week_of
from controlsurface.store.duckdb import DuckStore

ROUNDS = 3
DAY, HISTORY_LENGTH = timedelta(days=1), timedelta(days=90)


@dataclass(frozen=True, slots=True)
class QueryBenchResult:
    """Times over HTTP, from question to rows, each question asked ROUNDS times after one round to warm up.

    Panels: everything the pages ask, of 90 days, 28 days and 7 days. Contributors: the last two hours against the 22
    before. Trace and request: what is behind a link, which says when it was. Attribution: the last full week.
    """

    requests: int
    panel_p50_ms: float
    panel_p95_ms: float
    last_24h_p95_ms: float
    trace_ms: float
    request_ms: float
    contributors_ms: float
    attribution_week_ms: float
    rollup_s_per_million: float
    bytes_per_request: float
    panels: int
    slowest: str

    def rounded(self) -> dict[str, float | str]:
        """For printing: four significant digits."""
        return {
            name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def run_query_bench(
    requests: int, tell: Callable[[str], None], keep: Path | None = None, explain: str = ""
) -> QueryBenchResult:
    """Make the store in a temporary directory (or in `keep`) and ask a collector on it. Raises PartFailed.

    `explain` names a data query whose plan is told, too.
    """
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory(prefix="controlsurface-bench-", ignore_cleanup_errors=True) as folder:
        data = keep or Path(folder)
        tell(f"making {requests} requests of {HISTORY_LENGTH.days} days")
        history = generate_history(data, requests, end, tell)
        with bench_collector(data) as server:
            result = time_queries(server.reader, requests, history, tell)
        if explain:
            with closing(DuckStore.open(data)) as store:
                tell(plan(store, explain, end))
        return result


def plan(store: DuckStore, name: str, end: datetime) -> str:
    """The plan of the slowest query of that name among those of the panels, of 90 days."""
    list(time_panels(LocalClient(store), end - HISTORY_LENGTH, end))
    stat = store.stats.by_name.get(name)
    return store.explain(stat.slowest) if stat and stat.slowest else f"no panel asks for {name}"


def time_queries(
    reader: Client, requests: int, history: GeneratedHistory, tell: Callable[[str], None]
) -> QueryBenchResult:
    """Ask everything."""
    end = history.end
    tell("asking the panels")
    views = [end - days * DAY for days in (90, 28, 7)]
    long = [each for start in views for each in _rounds(reader, start, end)]
    day = _rounds(reader, end - DAY, end)
    traces, found = _links(reader, end)
    slowest = max(long, key=lambda each: each.seconds)
    bill = AttributionArgs(week=week_of(end - 7 * DAY), by=DEFAULT_DIMENSIONS)
    return QueryBenchResult(
        requests=requests,
        panel_p50_ms=_percentile((each.seconds for each in long), 50),
        panel_p95_ms=_percentile((each.seconds for each in long), 95),
        last_24h_p95_ms=_percentile((each.seconds for each in day), 95),
        trace_ms=_percentile(traces, 50),
        request_ms=_percentile(found, 50),
        contributors_ms=_median_ms(reader, ContributorsQuery(_difference(end))),
        attribution_week_ms=_median_ms(reader, AttributionQuery(bill)),
        rollup_s_per_million=history.rollup_s_per_million,
        bytes_per_request=history.bytes_per_request,
        panels=len(long) // ROUNDS // len(views),
        slowest=f"{slowest.name} ({slowest.source}) {slowest.seconds * 1e3:.0f} ms",
    )


def _rounds(reader: Client, start: datetime, end: datetime) -> list[PanelTiming]:
    """Every panel several times, after once for nothing."""
    list(time_panels(reader, start, end))
    return [each for _ in range(ROUNDS) for each in time_panels(reader, start, end)]


def _links(reader: Client, end: datetime) -> tuple[list[float], list[float]]:
    """Seconds for the spans and for the request behind links of the last day; a link says when."""
    traces, requests = [], []
    for hours in range(1, 23):
        at = end - timedelta(hours=hours)
        asked = RequestsQuery(RequestsArgs(start=at, end=at + timedelta(minutes=30), limit=1))
        (row,) = reader.run(asked).rows.to_pylist()
        near = Near(near=row["started_at"])
        traces.append(answer_seconds(reader, TraceQuery(row["trace_id"], near)))
        requests.append(answer_seconds(reader, RequestQuery(row["request_id"], near)))
    return traces, requests


def _difference(end: datetime) -> ContributorsArgs:
    """The last two hours against the 22 before."""
    moment = end - timedelta(hours=2)
    return ContributorsArgs(
        metric="escalation_rate", start=moment, end=end, baseline_start=end - DAY, baseline_end=moment
    )


def _median_ms(reader: Client, query: Query[Any]) -> float:
    """The middle of some times, after once for nothing, in ms."""
    times = [answer_seconds(reader, query) for _ in range(ROUNDS + 1)]
    return _percentile(times[1:], 50)


def _percentile(seconds: Iterable[float], wanted: int) -> float:
    """A percentile in ms."""
    return quantiles(list(seconds), n=100, method="inclusive")[wanted - 1] * 1e3
