"""What the dashboard's Overview asks a collector, panel by panel, in the steps it asks in."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.query import QueryArgs
from controlsurface.reader.reader import Reader

WEEK = timedelta(days=7)
TILES = ("escalation_rate", "confidence_below_threshold", "cost", "latency_p95", "error_rate")
COARSER = 4  # steps of a chart in one of a tile's sparkline


@dataclass(frozen=True, slots=True)
class Window:
    """What the bar shows: [start, end) in buckets of `step`."""

    start: datetime
    end: datetime
    step: timedelta

    @property
    def week_before(self) -> "Window":
        """The same, a week earlier."""
        return Window(self.start - WEEK, self.end - WEEK, self.step)


# The windows of the dashboard's bar, with the steps of their charts.
WINDOWS = {
    "24h": (timedelta(hours=24), timedelta(minutes=10)),
    "7d": (timedelta(days=7), timedelta(hours=1)),
    "28d": (timedelta(days=28), timedelta(hours=4)),
    "90d": (timedelta(days=90), timedelta(days=1)),
}


def window(name: str, end: datetime) -> Window:
    """The last `name` of WINDOWS until `end`."""
    length, step = WINDOWS[name]
    return Window(end - length, end, step)


def asked(reader: Reader, about: Window) -> Iterator[tuple[str, float]]:
    """Ask all of it, one question after the other: the name of each panel and the seconds its answers took."""
    for name, questions in _PANELS.items():
        began = time.perf_counter()
        questions(reader, about)
        yield name, time.perf_counter() - began


def _tile(metric: str) -> Callable[[Reader, Window], None]:
    """Its value, the week before, and its sparkline."""

    def questions(reader: Reader, about: Window) -> None:
        _metric(reader, about, metric)
        _metric(reader, about.week_before, metric)
        _metric(reader, about, metric, every=about.step * COARSER)

    return questions


def _escalation(reader: Reader, about: Window) -> None:
    _metric(reader, about, "escalation_rate", "task_type")
    _metric(reader, about.week_before, "escalation_rate", "task_type")
    _metric(reader, about, "escalation_rate", "task_type", every=about.step)


def _confidence(reader: Reader, about: Window) -> None:
    _bins(reader, about, "confidence", every=about.step)
    _metric(reader, about, "threshold", every=about.step)


def _latency(reader: Reader, about: Window) -> None:
    _metric(reader, about, "latency_p95", "lane")
    for metric in ("latency_p95", "latency_p50"):
        _metric(reader, about, metric, "lane", every=about.step)


def _separation(reader: Reader, about: Window) -> None:
    _bins(reader, about, "latency_ms", "lane")


def _cost(reader: Reader, about: Window) -> None:
    _metric(reader, about, "cost", "lane", every=about.step)


def _prices(reader: Reader, about: Window) -> None:
    _metric(reader, about, "priced_share")
    _metric(reader, about, "unpriced_attempts", "model")


def _events(reader: Reader, about: Window) -> None:
    reader.events(EventsArgs(start=about.start, end=about.end))


_PANELS: dict[str, Callable[[Reader, Window], None]] = {
    **{f"tile {metric}": _tile(metric) for metric in TILES},
    "escalation": _escalation,
    "confidence": _confidence,
    "latency": _latency,
    "separation": _separation,
    "cost": _cost,
    "prices": _prices,
    "events": _events,
}


def _metric(reader: Reader, about: Window, name: str, *by: str, every: timedelta | None = None) -> None:
    reader.query(QueryArgs(metric=name, by=by, start=about.start, end=about.end, every=every))


def _bins(reader: Reader, about: Window, column: str, *by: str, every: timedelta | None = None) -> None:
    reader.distribution(
        DistributionArgs.model_validate(
            {"column": column, "by": by, "start": about.start, "end": about.end, "every": every}
        )
    )
