"""What Prometheus scrapes: the server's own health, and the last five minutes per lane and task type."""

import resource
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
from starlette.requests import Request
from starlette.responses import Response

from controlsurface import __version__
from controlsurface.alerting.alert_queries import NotificationCountsQuery, RuleLoopQuery
from controlsurface.api.prometheus_text import CONTENT_TYPE, MetricFamily, render_families, single_sample
from controlsurface.client import Client
from controlsurface.client.queries.cardinality_query import CardinalityQuery
from controlsurface.client.queries.ingest_queries import LEDGER_ENTRIES, IngestQuery, UsageLedgerQuery
from controlsurface.client.queries.metric_queries import BatchQuery
from controlsurface.client.queries.store_statistics import QueryStatsQuery
from controlsurface.errors import BadRequest, TooMuch
from controlsurface.metrics.metric import Metric, Unit
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.metrics.queries.metric_query import find_metric
from controlsurface.query.arguments import TimeRange
from controlsurface.web.refusal_counter import RefusalCounter

EXPOSED_WINDOW = timedelta(minutes=5)
MAX_TASK_TYPES = 100  # label values of one family: the largest, all others are `(other)`

# What is itself about lanes is not broken down by them.
_BY_TASK = (
    "escalation_rate escalation_rate_routed escalation_rate_cascaded escalation_rate_fallback "
    "confidence_below_threshold confidence_knife_edge"
).split()
_BY_LANE_AND_TASK = (
    "requests fallback_rate cache_hit_rate error_rate attempt_error_rate gate_failure_rate latency_p50 "
    "latency_p95 latency_p99 ttft_p95 cost priced_share input_tokens output_tokens"
).split()
EXPOSED_METRICS = dict.fromkeys(_BY_TASK, ("task_type",)) | dict.fromkeys(_BY_LANE_AND_TASK, ("lane", "task_type"))

# Prometheus counts in base units and writes them behind the name.
_UNITS: dict[Unit, tuple[str, float]] = {
    "count": ("", 1),
    "ratio": ("_ratio", 1),
    "ms": ("_seconds", 0.001),
    "usd": ("_usd", 1),
    "tokens": ("", 1),
    "score": ("", 1),
}
_COUNTED = {
    "received": "Spans that arrived.",
    "accepted": "Spans that were answered for.",
    "rejected": "Spans refused because they are invalid.",
    "duplicate": "Spans that were stored already.",
    "late": "Spans that came after their request had been derived.",
    "unrecognised": "Spans that no vocabulary recognises.",
}
_COUNTED_BESIDES = {
    "stored": "Items whose journal record is in the store.",
    "mended": "Items kept with bad characters replaced.",
    "cut": "Values of spans that were too long, and are stored cut.",
    "set_aside": "Items kept whole because no batch with them could be stored.",
    "bodies": "Bodies answered with success.",
    "bad_bodies": "Bodies that could not be decoded.",
    "too_large": "Bodies over the size limit.",
    "over_limit": "Bodies refused because they hold more items or fields than one may.",
    "trimmed": "Attributes, events and links dropped because their item has too many.",
    "journal_damages": "Places at which the journal was damaged; at least one record each is lost.",
    "journal_lost_bytes": "Bytes of the journal that could not be read.",
    "checker_restarts": "Replacements of the process that checks bodies, because it ended or hung.",
    "refused": "Bodies told to come again later.",
    "bytes": "Bytes of bodies, after decompression.",
}
_LOOP = {
    "evaluations": ("controlsurface_rules_evaluations_total", "counter", "Evaluations of rules."),
    "failed": ("controlsurface_rules_failures_total", "counter", "Rules that could not be evaluated, each time."),
    "missed": ("controlsurface_rules_missed_total", "counter", "Moments that passed without an evaluation."),
    "lag_s": ("controlsurface_rules_lag_seconds", "gauge", "How late the last evaluation was stored."),
    "rules": ("controlsurface_rules", "gauge", "Rules in force."),
    "failing": ("controlsurface_rules_failing", "gauge", "Rules whose last evaluation failed."),
    "outdated": ("controlsurface_rules_outdated", "gauge", "1 while rule files are wrong and older rules in force."),
    "firing": ("controlsurface_alerts_firing", "gauge", "Alerts that fire."),
    "clock_steps": ("controlsurface_clock_steps_total", "counter", "How often the machine's clock was set."),
}
_NOTIFIED = {
    "sent": ("sent_total", "counter", "Messages that a notifier's receiver took."),
    "errors": ("errors_total", "counter", "Attempts to send a message that failed."),
    "dropped": ("dropped_total", "counter", "Messages that were given up."),
    "waiting": ("queue_length", "gauge", "Messages that wait to be sent."),
}
_LEDGER = {
    "spans": ("spans", "Spans with tokens or a cost: counted as calls, explained as repeats of calls, or unexplained."),
    "input_tokens": ("input_tokens", "Input tokens of these spans."),
    "output_tokens": ("output_tokens", "Output tokens of these spans."),
    "cost_usd": ("cost_usd", "Cost of these spans: of calls as priced, of others as they say."),
}
_DIMENSIONS = {
    "limit": ("values_limit", "Values that a dimension may have on one day."),
    "values": ("values", "Values that are told apart."),
    "over_limit": ("values_over_limit", "Values over the limit, about."),
    "other_rows": ("other_rows", "Requests (or calls) whose value is stored as `(other)`."),
}
_QUERIES = {
    "runs": ("queries_total", "Data queries that the store ran."),
    "seconds": ("query_seconds_total", "Seconds that they took together."),
    "slow": ("slow_queries_total", "Data queries that took longer than limits.slow_query."),
}
_STARTED = time.time()


class Exposition:
    """The text of a scrape. What is asked of the store is kept for `keep_s`, however many scrape."""

    def __init__(self, reader: Client, keep_s: float = 10, refusals: RefusalCounter | None = None) -> None:
        self._reader = reader
        self._refusals = refusals or RefusalCounter("api")
        self._keep_s = keep_s
        self._figures = ""
        self._until = 0.0
        self._lock = threading.Lock()

    def render(self) -> str:
        """All families as text."""
        return render_families(*_process(), *_ingest(self._reader), _refused(self._refusals)) + self._kept()

    def response(self, _: Request) -> Response:
        """The answer to a scrape."""
        return Response(self.render(), media_type=CONTENT_TYPE)

    def _kept(self) -> str:
        """The control surface's metrics; one scrape computes them, others wait for it."""
        with self._lock:
            if time.monotonic() >= self._until:
                parts = (_rules, _notified, _usage, _values, _figures, _queries)
                self._figures = "".join(render_families(*part(self._reader)) for part in parts)
                self._until = time.monotonic() + self._keep_s
            return self._figures


def _process() -> Iterator[MetricFamily]:
    """The process, under the names that all of Prometheus's clients use."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = usage.ru_utime + usage.ru_stime
    yield single_sample("process_cpu_seconds_total", "counter", "User and system CPU time.", cpu_s)
    yield single_sample("process_resident_memory_bytes", "gauge", "Resident memory.", _resident_bytes(usage.ru_maxrss))
    yield single_sample("process_start_time_seconds", "gauge", "Start of the process, Unix time.", _STARTED)
    yield MetricFamily("controlsurface_build_info", "gauge", "The version that runs.", (({"version": __version__}, 1),))


def _resident_bytes(peak: int) -> int:
    """Resident memory now where the system says so, else its peak."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text("ascii").split()[1]) * resource.getpagesize()
    return peak if sys.platform == "darwin" else peak * 1024


def _ingest(reader: Client) -> Iterator[MetricFamily]:
    """The receivers' counters and how far the store is behind."""
    state = reader.run(IngestQuery())
    prefix = "controlsurface_ingest"
    for name, help_ in _COUNTED.items():
        yield single_sample(f"{prefix}_{name}_spans_total", "counter", help_, getattr(state, name))
    for name, help_ in _COUNTED_BESIDES.items():
        if name in state.counters:
            yield single_sample(f"{prefix}_{name}_total", "counter", help_, state.counters[name])
    yield single_sample(f"{prefix}_pending_spans", "gauge", "Spans answered for but not yet visible.", state.pending)
    lag_s = state.lag_ms / 1e3
    yield single_sample(f"{prefix}_lag_seconds", "gauge", "How far the newest visible span is behind.", lag_s)
    if state.last_accepted_at:
        name, last = f"{prefix}_last_accepted_timestamp_seconds", state.last_accepted_at.timestamp()
        yield single_sample(name, "gauge", "When spans were last accepted.", last)
    yield single_sample("controlsurface_ready", "gauge", "1 when traffic is taken.", not reader.health())


def _refused(refusals: RefusalCounter) -> MetricFamily:
    """What the servers of this process refused, by server and reason."""
    samples = tuple(
        ({"server": each.surface, "reason": reason}, float(n))
        for each in refusals.together()
        for reason, n in each.counts().items()
    )
    return MetricFamily("controlsurface_refused_total", "counter", "Requests and connections refused.", samples)


def _usage(reader: Client) -> Iterator[MetricFamily]:
    """The ledger of usage, of the last five minutes."""
    rows = reader.run(UsageLedgerQuery(TimeRange(start=datetime.now(UTC) - EXPOSED_WINDOW))).rows.to_pylist()
    for column, (name, help_) in _LEDGER.items():
        sums = {entry: sum(row[column] or 0 for row in rows if row["entry"] == entry) for entry in LEDGER_ENTRIES}
        samples = tuple(({"entry": entry}, float(total)) for entry, total in sums.items())
        yield MetricFamily(f"controlsurface_usage_{name}", "gauge", f"{help_} Last 5 minutes.", samples)


def _values(reader: Client) -> Iterator[MetricFamily]:
    """How many values dimensions have today, and what of them is stored as `(other)`."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = reader.run(CardinalityQuery(TimeRange(start=today))).rows.to_pylist()
    for column, (name, help_) in _DIMENSIONS.items():
        samples = tuple(({"dimension": row["dimension"]}, row[column]) for row in rows)
        yield MetricFamily(f"controlsurface_dimension_{name}", "gauge", f"{help_} Today, UTC.", samples)


def _queries(reader: Client) -> Iterator[MetricFamily]:
    """What the store was asked, by the names of its data queries: a list of ours, so it is bounded."""
    rows = reader.run(QueryStatsQuery()).rows.to_pylist()
    for column, (name, help_) in _QUERIES.items():
        samples = tuple(({"query": row["query"]}, float(row[column])) for row in rows)
        yield MetricFamily(f"controlsurface_{name}", "counter", help_, samples)


def _rules(reader: Client) -> Iterator[MetricFamily]:
    """How the loop that evaluates rules fares."""
    for row in reader.run(RuleLoopQuery()).rows.to_pylist():
        for column, (name, kind, help_) in _LOOP.items():
            if row[column] is not None:
                yield single_sample(name, kind, help_, row[column])
        if row["evaluated_at"]:
            at = row["evaluated_at"].timestamp()
            help_ = "The last moment that was evaluated."
            yield single_sample("controlsurface_rules_last_evaluation_timestamp_seconds", "gauge", help_, at)


def _notified(reader: Client) -> Iterator[MetricFamily]:
    """What became of messages, under Prometheus's own names for that."""
    rows = reader.run(NotificationCountsQuery()).rows.to_pylist()
    for column, (name, kind, help_) in _NOTIFIED.items():
        samples = tuple(({"notifier": row["notifier"]}, row[column]) for row in rows)
        yield MetricFamily(f"controlsurface_notifications_{name}", kind, help_, samples)


def _figures(reader: Client) -> Iterator[MetricFamily]:
    """The control surface's metrics over the window, per lane and task type."""
    start = datetime.now(UTC) - EXPOSED_WINDOW
    left_out = 0
    for names, by in ((_BY_TASK, ("task_type",)), (_BY_LANE_AND_TASK, ("lane", "task_type"))):
        try:
            rows = reader.run(BatchQuery(BatchArgs(metrics=names, by=by, start=start, top=MAX_TASK_TYPES))).rows
        except (BadRequest, TooMuch):  # more series than one answer holds: more than Prometheus should take
            left_out += len(names)
        else:
            for name in names:
                yield _family(find_metric(name), by, rows.filter(pc.field("metric") == name).to_pylist())
    yield single_sample("controlsurface_left_out_metrics", "gauge", "Metrics with too many series to expose.", left_out)


def _family(metric: Metric, by: Sequence[str], rows: Iterable[Mapping[str, object]]) -> MetricFamily:
    """A metric as gauges; an unknown dimension is an empty label, an unknown value no sample."""
    suffix, factor = _UNITS[metric.unit]
    name = f"controlsurface_{metric.id}".removesuffix(suffix) + suffix
    samples = tuple(
        ({dimension: str(row[dimension] or "") for dimension in by}, value * factor)
        for row in rows
        if isinstance(value := row["value"], float)
    )
    return MetricFamily(name, "gauge", f"{metric.help} Last 5 minutes.", samples)
