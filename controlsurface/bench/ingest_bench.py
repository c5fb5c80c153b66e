"""How many spans a second are taken and stored, how soon they are answered and can be seen."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

from controlsurface.bench import ingest_costs
from controlsurface.bench.bench_collector import BenchCollector, bench_collector
from controlsurface.bench.body_sender import BodySender, FreshnessProber
from controlsurface.bench.ingest_costs import measure_rule_costs
from controlsurface.bench.otlp_bodies import body_template
from controlsurface.bench.page_queries import REFRESH_INTERVAL, dashboard_sessions

FLOOD_TIME_SHARE, TRICKLE_TIME_SHARE, SERIES_TIME_SHARE = 0.45, 0.35, 0.2  # shares of the time
STORED_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class IngestBenchSettings:
    """What to send."""

    seconds: float = 20
    connections: int = 8
    body: int = 512
    prompts: bool = True
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class IngestBenchResult:
    """Spans that were answered and stored, and the times that took.

    `series_bound` is what one core does with decoding and inserting in series and nothing else, in the same run;
    `share_of_bound` is spans_per_cpu_s by it. Acknowledgement and freshness (from answer to visible in a query) are
    taken at half of the rate that the first part reached. `kept_list_share` and `evidence_share`: what deciding what
    may be kept of a body, and which spans are model calls, takes of a span's processor time. With sessions the flood is
    repeated with and without them in turns: its rate beside them, that as a share of the rate without, and how long the
    panels that they asked for took, then and without a load.
    """

    spans_per_s: float
    spans_per_cpu_s: float
    ack_p50_ms: float
    ack_p99_ms: float
    series_bound: float
    share_of_bound: float
    rss_mb: float
    fresh_p50_ms: float
    fresh_p95_ms: float
    spans: int
    bytes_per_span: float
    refused: int
    half_load_spans_per_s: float
    kept_list_share: float
    evidence_share: float
    watched: "WatchedFlood | None" = None

    def rounded(self) -> dict[str, float]:
        """For printing: four significant digits."""
        figures = {name: value for name, value in asdict(self).items() if name != "watched"}
        figures |= asdict(self.watched) if self.watched else {}
        return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in figures.items()}


@dataclass(frozen=True, slots=True)
class WatchedFlood:
    """The flood while people look on."""

    watched_spans_per_s: float
    watched_share: float
    panel_p95_ms: float
    idle_panel_p95_ms: float


def run_ingest_bench(settings: IngestBenchSettings, tell: Callable[[str], None]) -> IngestBenchResult:
    """Measure a collector on a temporary directory, for about `settings.seconds`. Raises PartFailed, Unreachable."""
    bodies = body_template(settings.body, time.time_ns(), prompts=settings.prompts)
    with tempfile.TemporaryDirectory(prefix="controlsurface-bench-") as folder, bench_collector(Path(folder)) as server:
        sender = BodySender(server.otlp_http, bodies)
        tell("full load")
        full = _flood(server, sender, settings)
        tell(f"half load: {full.rate / 2:.0f} spans/s")
        half = _trickle(server, sender, settings, full.rate / 2)
        watched = _watched(server, sender, settings, tell) if settings.sessions else None
    tell("decoding and inserting in series")
    bound = ingest_costs.single_core_bound(bodies, settings.seconds * SERIES_TIME_SHARE)
    per_cpu_s = full.spans / full.cpu_s
    costs = measure_rule_costs(settings.body)
    return IngestBenchResult(
        spans_per_s=full.rate,
        spans_per_cpu_s=per_cpu_s,
        ack_p50_ms=half.ack_p50_ms,
        ack_p99_ms=half.ack_p99_ms,
        series_bound=bound,
        share_of_bound=per_cpu_s / bound,
        rss_mb=full.rss_mb,
        fresh_p50_ms=half.fresh_p50_ms,
        fresh_p95_ms=half.fresh_p95_ms,
        spans=full.spans + half.spans,
        bytes_per_span=len(bodies.payload) / bodies.spans,
        refused=full.refused,
        half_load_spans_per_s=half.rate,
        kept_list_share=costs.kept_list_us * per_cpu_s / 1e6,
        evidence_share=costs.evidence_us * per_cpu_s / 1e6,
        watched=watched,
    )


@dataclass(frozen=True, slots=True)
class _Full:
    spans: int
    rate: float
    cpu_s: float
    rss_mb: float
    refused: int


@dataclass(frozen=True, slots=True)
class _Half:
    spans: int
    rate: float
    ack_p50_ms: float
    ack_p99_ms: float
    fresh_p50_ms: float
    fresh_p95_ms: float


def _flood(server: BenchCollector, sender: BodySender, settings: IngestBenchSettings) -> _Full:
    """As much as it takes; the clock stops when the last span is stored."""
    sender.one()
    server.drain(STORED_TIMEOUT_S)
    cpu_s, began = server.cpu_s(), time.perf_counter()
    sent = sender.flood(settings.connections, settings.seconds * FLOOD_TIME_SHARE)
    server.drain(STORED_TIMEOUT_S)
    elapsed = time.perf_counter() - began
    spans = sent.bodies * sender.template.spans
    return _Full(spans, spans / elapsed, server.cpu_s() - cpu_s, server.rss_mb(), sent.refused)


def _trickle(server: BenchCollector, sender: BodySender, settings: IngestBenchSettings, rate: float) -> _Half:
    """Half of what it takes, with a prober beside."""
    seconds = settings.seconds * TRICKLE_TIME_SHARE
    prober = FreshnessProber(server, sender, seconds)
    prober.start()
    began = time.perf_counter()
    sent = sender.trickle(settings.connections, seconds, rate)
    elapsed = time.perf_counter() - began
    prober.join(STORED_TIMEOUT_S)
    spans = sent.bodies * sender.template.spans
    return _Half(spans, spans / elapsed, *_percentiles(sent.seconds, 50, 99), *_percentiles(prober.seconds, 50, 95))


def _watched(
    server: BenchCollector, sender: BodySender, settings: IngestBenchSettings, tell: Callable[[str], None]
) -> WatchedFlood:
    """Floods alone, beside, beside and alone: a store that grows and a machine that tires weigh on both alike."""
    tell(f"{settings.sessions} sessions without a load")
    with dashboard_sessions(server.api, settings.sessions) as idle:
        time.sleep(2 * REFRESH_INTERVAL.total_seconds())
    tell("full load, nobody looking on")
    alone = [_flood(server, sender, settings)]
    tell(f"full load beside {settings.sessions} sessions, twice as long")
    with dashboard_sessions(server.api, settings.sessions) as busy:
        beside = [_flood(server, sender, settings) for _ in range(2)]
    tell("full load, nobody looking on")
    alone.append(_flood(server, sender, settings))
    (panel,), (idle_panel,) = _percentiles(busy, 95), _percentiles(idle, 95)
    watched = _combined_rate(beside)
    return WatchedFlood(watched, watched / _combined_rate(alone), panel, idle_panel)


def _combined_rate(floods: Sequence[_Full]) -> float:
    """Spans a second over several floods."""
    return sum(each.spans for each in floods) / sum(each.spans / each.rate for each in floods)


def _percentiles(seconds: list[float], *wanted: int) -> list[float]:
    """Percentiles in ms; of one value, that value. Not a number without any."""
    cuts = quantiles(seconds * 2 if len(seconds) == 1 else seconds or [float("nan")] * 2, n=100, method="inclusive")
    return [cuts[each - 1] * 1e3 for each in wanted]
