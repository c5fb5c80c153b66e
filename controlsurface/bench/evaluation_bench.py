"""How long an evaluation of many rules takes, on a quiet server and while spans come in."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, quantiles
from time import monotonic, perf_counter, thread_time, time_ns
from typing import Any

from controlsurface.alerting.delivery.outbox import enqueue_alerts
from controlsurface.alerting.detector_registry import create_detectors
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet
from controlsurface.alerting.rules.rule_models import RuleGroup
from controlsurface.bench.otlp_bodies import body_template
from controlsurface.bench.request_history import generate_history
from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.config import Config
from controlsurface.ingest.wire.otlp_request import RequestBody

MINUTE = timedelta(minutes=1)
BODY_SPANS = 256  # spans
SLICE_DIMENSIONS = ["task_type", "tenant"]  # 64 slices in the simulated traffic

_METRICS = ("escalation_rate", "error_rate", "fallback_rate", "cost_per_request", "cache_hit_rate", "steps_per_request")
_WINDOWS = ("5m", "15m", "30m", "1h", "6h", "1d")
_PROPORTIONS = ("escalation_rate", "error_rate", "cache_hit_rate")


@dataclass(frozen=True, slots=True)
class EvaluationLoad:
    """How many rules, over how much history, how often, and how many spans a second come in meanwhile."""

    rules: int = 300
    days: int = 9
    requests_a_day: int = 12_000
    ticks: int = 20
    spans_per_s: float = 2_000


@dataclass(frozen=True, slots=True)
class EvaluationTimes:
    """Seconds of an evaluation, with all that is written: on the clock, and of one processor in its own thread.

    `tick_loaded_*`: while spans came in, at `ingested_spans_per_s`. `first_tick_s` learns the baselines.
    """

    rules: int
    series: int
    firing: int
    first_tick_s: float
    tick_p50_s: float
    tick_p95_s: float
    tick_cpu_s: float
    tick_loaded_p50_s: float
    tick_loaded_p95_s: float
    tick_loaded_cpu_s: float
    ingested_spans_per_s: float

    def rounded(self) -> dict[str, float]:
        """As it is printed."""
        return {
            name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def run_evaluation_bench(say: Callable[[str], None], load: EvaluationLoad | None = None) -> EvaluationTimes:
    """Evaluate generated rules minute by minute, up to now, in a collector without its listeners."""
    load, end = load or EvaluationLoad(), datetime.now(UTC).replace(second=0, microsecond=0)
    with tempfile.TemporaryDirectory(prefix="controlsurface-bench-") as folder:
        say(f"making {load.days * load.requests_a_day} requests of {load.days} days")
        generate_history(Path(folder), load.days * load.requests_a_day, end, say, load.days)
        with running_engine(Path(folder), Config()) as engine:
            return _measure_ticks(engine, load, end, say)


def generated_rules(count: int) -> list[dict[str, Any]]:
    """Rules as a file would have them: bounds over six windows, some against the day before, and one drift in 30."""
    return [_rule(number) for number in range(count)]


def _rule(number: int) -> dict[str, Any]:
    named = {"alert": f"Rule{number}", "by": SLICE_DIMENSIONS, "labels": {"number": str(number)}}
    if number % 30 == 29:
        return {**named, "metric": _PROPORTIONS[number % 3], "drift": {"tolerance": 1.2 + number / 1000}}
    bound: Any = {"offset": "1d", "times": 1.5, "limit": 0.1} if number % 4 == 0 else 0.3 + number / 1000
    return {
        **named,
        "metric": _METRICS[number % len(_METRICS)],
        "over": _WINDOWS[number // len(_METRICS) % len(_WINDOWS)],
        "above": bound,
        "min_count": 10,
        "for": "5m",
    }


def _measure_ticks(
    engine: IngestEngine, load: EvaluationLoad, end: datetime, say: Callable[[str], None]
) -> EvaluationTimes:
    """The first evaluation, quiet ones, and those beside a load."""
    at = end - (2 * load.ticks + 1) * MINUTE
    slices = engine.store.state("SELECT count(DISTINCT (task_type, tenant)) AS n FROM requests")["n"][0].as_py()
    alerting = RuleEngine(
        engine.store, EvaluationContext(engine.store, detectors=create_detectors(engine.store)), enqueue_alerts, at
    )
    group = RuleGroup.model_validate({"name": "bench", "interval": "1m", "rules": generated_rules(load.rules)})
    alerting.put_in_force(RuleSet((LoadedRuleGroup("bench.yaml", group),)), at)
    say("learning")
    first, _ = _tick(alerting, at)
    say("quiet")
    quiet = [_tick(alerting, at + (1 + i) * MINUTE) for i in range(load.ticks)]
    say(f"beside {load.spans_per_s:g} spans/s")
    with _ingesting(engine, load.spans_per_s) as sent:
        busy = [_tick(alerting, at + (1 + load.ticks + i) * MINUTE) for i in range(load.ticks)]
    firing = sum(alert.state == "firing" for active in alerting.known.values() for alert in active.values())
    return EvaluationTimes(
        load.rules, load.rules * slices, firing, first, *_tick_figures(quiet), *_tick_figures(busy), sent()
    )


def _tick(alerting: RuleEngine, at: datetime) -> tuple[float, float]:
    """One evaluation: seconds on the clock, and of this thread's processor time."""
    began, cpu = perf_counter(), thread_time()
    alerting.tick(at)
    return perf_counter() - began, thread_time() - cpu


def _tick_figures(ticks: list[tuple[float, float]]) -> tuple[float, float, float]:
    """p50 and p95 of the clock, the mean of the processor."""
    cuts = quantiles([wall for wall, _ in ticks], n=20, method="inclusive")
    return cuts[9], cuts[18], fmean(cpu for _, cpu in ticks)


@contextmanager
def _ingesting(engine: IngestEngine, spans_per_s: float) -> Iterator[Callable[[], float]]:
    """Bodies come in meanwhile; what is yielded tells at which rate they were taken."""
    bodies, ended, taken = body_template(BODY_SPANS, time_ns(), prompts=False), threading.Event(), [0]
    began = monotonic()

    def send() -> None:
        while not ended.wait(max(0.0, began + taken[0] * bodies.spans / spans_per_s - monotonic())):
            engine.intake.take(RequestBody("traces", bodies.body(taken[0])))
            taken[0] += 1

    sender = threading.Thread(target=send, name="bench sender")
    sender.start()
    try:
        yield lambda: taken[0] * bodies.spans / (monotonic() - began)
    finally:
        ended.set()
        sender.join()
