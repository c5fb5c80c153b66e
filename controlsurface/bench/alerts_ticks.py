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

from controlsurface.alerting.detectors import detectors
from controlsurface.alerting.engine import RuleEngine
from controlsurface.alerting.evaluate import Sight
from controlsurface.alerting.files import RuleSet, Source
from controlsurface.alerting.outbox import enqueue
from controlsurface.alerting.rules import Group
from controlsurface.bench.bodies import template
from controlsurface.bench.history import make
from controlsurface.collector.engine import Engine, running
from controlsurface.config import Config
from controlsurface.ingest.body import Body

MINUTE = timedelta(minutes=1)
BODY = 256  # spans
BY = ["task_type", "tenant"]  # 64 slices in the simulated traffic

_METRICS = ("escalation_rate", "error_rate", "fallback_rate", "cost_per_request", "cache_hit_rate", "steps_per_request")
_OVER = ("5m", "15m", "30m", "1h", "6h", "1d")
_PROPORTIONS = ("escalation_rate", "error_rate", "cache_hit_rate")


@dataclass(frozen=True, slots=True)
class Load:
    """How many rules, over how much history, how often, and how many spans a second come in meanwhile."""

    rules: int = 300
    days: int = 9
    requests_a_day: int = 12_000
    ticks: int = 20
    spans_per_s: float = 2_000


@dataclass(frozen=True, slots=True)
class Ticks:
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


def run(say: Callable[[str], None], load: Load | None = None) -> Ticks:
    """Evaluate generated rules minute by minute, up to now, in a collector without its listeners."""
    load, end = load or Load(), datetime.now(UTC).replace(second=0, microsecond=0)
    with tempfile.TemporaryDirectory(prefix="controlsurface-bench-") as folder:
        say(f"making {load.days * load.requests_a_day} requests of {load.days} days")
        make(Path(folder), load.days * load.requests_a_day, end, say, load.days)
        with running(Path(folder), Config()) as engine:
            return _measured(engine, load, end, say)


def rules(count: int) -> list[dict[str, Any]]:
    """Rules as a file would have them: bounds over six windows, some against the day before, and one drift in 30."""
    return [_rule(number) for number in range(count)]


def _rule(number: int) -> dict[str, Any]:
    named = {"alert": f"Rule{number}", "by": BY, "labels": {"number": str(number)}}
    if number % 30 == 29:
        return {**named, "metric": _PROPORTIONS[number % 3], "drift": {"tolerance": 1.2 + number / 1000}}
    bound: Any = {"offset": "1d", "times": 1.5, "limit": 0.1} if number % 4 == 0 else 0.3 + number / 1000
    return {
        **named,
        "metric": _METRICS[number % len(_METRICS)],
        "over": _OVER[number // len(_METRICS) % len(_OVER)],
        "above": bound,
        "min_count": 10,
        "for": "5m",
    }


def _measured(engine: Engine, load: Load, end: datetime, say: Callable[[str], None]) -> Ticks:
    """The first evaluation, quiet ones, and those beside a load."""
    at = end - (2 * load.ticks + 1) * MINUTE
    slices = engine.store.state("SELECT count(DISTINCT (task_type, tenant)) AS n FROM requests")["n"][0].as_py()
    alerting = RuleEngine(engine.store, Sight(engine.store, detectors=detectors(engine.store)), enqueue, at)
    group = Group.model_validate({"name": "bench", "interval": "1m", "rules": rules(load.rules)})
    alerting.put_in_force(RuleSet((Source("bench.yaml", group),)), at)
    say("learning")
    first, _ = _tick(alerting, at)
    say("quiet")
    quiet = [_tick(alerting, at + (1 + i) * MINUTE) for i in range(load.ticks)]
    say(f"beside {load.spans_per_s:g} spans/s")
    with _ingesting(engine, load.spans_per_s) as sent:
        busy = [_tick(alerting, at + (1 + load.ticks + i) * MINUTE) for i in range(load.ticks)]
    firing = sum(alert.state == "firing" for active in alerting.known.values() for alert in active.values())
    return Ticks(load.rules, load.rules * slices, firing, first, *_figures(quiet), *_figures(busy), sent())


def _tick(alerting: RuleEngine, at: datetime) -> tuple[float, float]:
    """One evaluation: seconds on the clock, and of this thread's processor time."""
    began, cpu = perf_counter(), thread_time()
    alerting.tick(at)
    return perf_counter() - began, thread_time() - cpu


def _figures(ticks: list[tuple[float, float]]) -> tuple[float, float, float]:
    """p50 and p95 of the clock, the mean of the processor."""
    cuts = quantiles([wall for wall, _ in ticks], n=20, method="inclusive")
    return cuts[9], cuts[18], fmean(cpu for _, cpu in ticks)


@contextmanager
def _ingesting(engine: Engine, spans_per_s: float) -> Iterator[Callable[[], float]]:
    """Bodies come in meanwhile; what is yielded tells at which rate they were taken."""
    bodies, ended, taken = template(BODY, time_ns(), prompts=False), threading.Event(), [0]
    began = monotonic()

    def send() -> None:
        while not ended.wait(max(0.0, began + taken[0] * bodies.spans / spans_per_s - monotonic())):
            engine.intake.take(Body("traces", bodies.body(taken[0])))
            taken[0] += 1

    sender = threading.Thread(target=send, name="bench sender")
    sender.start()
    try:
        yield lambda: taken[0] * bodies.spans / (monotonic() - began)
    finally:
        ended.set()
        sender.join()
