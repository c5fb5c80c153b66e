"""Send simulated traffic: a history at once, the present as it happens."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from threading import Event

from controlsurface.demo.demo_company import DEFAULT_RATE, THIN_SHARE, DemoSettings
from controlsurface.demo.router_simulation import SECOND_NS, simulate_requests, unix_ns
from controlsurface.demo.span_exporter import DemoSpanExporter, history_exporter, otlp_exporter
from controlsurface.errors import BadRequest

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST_PIECE = timedelta(hours=1)  # of a history, so that there is something to see at once; each next is twice as long
TICK_S = 0.25

ReportShare = Callable[[float], None]  # of the history that was sent, 0 to 1


def run_demo(
    endpoint: str,
    rate: float | None = None,
    duration: timedelta | None = None,
    scenario: str = "steady",
    seed: int = 0,
    backfill: timedelta | None = None,
    event_ago: timedelta | None = None,
    token: str = "",
    stop: Event | None = None,
    dense: timedelta | None = None,
    report: ReportShare = lambda _: None,
) -> int:
    """The spans exported: the last `send_backfill` of history, then the present for `duration` (None: until stopped).

    The scenario's event began `event_ago`; without that it lies within the history, and without one comes soon.
    Without a rate, traffic is one request a minute on average and has days and nights; a rate without history is held
    constant. History older than `dense` has a fifteenth of the traffic. Raises BadRequest, UnknownName and Unreachable.
    """
    now, halt = datetime.now(UTC), stop or Event()
    history = backfill or timedelta()
    if any(each is not None and each < timedelta() for each in (backfill, duration, event_ago)):
        raise BadRequest("backfill, duration and event_ago cannot be negative")
    settings = DemoSettings(seed, scenario, rate or DEFAULT_RATE, rate is None or bool(history))
    settings = replace(settings, event_at=now + _event_after(scenario, history, duration, event_ago))
    if dense is not None:
        settings = replace(settings, dense_from=now - dense)
    sent = _backfill(endpoint, history, now, settings, halt, token, report) if history else 0
    if duration == timedelta() or halt.is_set():
        return sent
    return sent + send_live(endpoint, now, duration, settings, halt, token)


def send_backfill(
    endpoint: str,
    span_of_time: timedelta,
    now: datetime,
    settings: DemoSettings,
    stop: Event,
    token: str = "",
    report: ReportShare = lambda _: None,
) -> int:
    """Export every request that ended in the `span_of_time` before `now`, the newest first. Raises Unreachable."""
    first = now - span_of_time
    with history_exporter(endpoint, token, stop) as outlet:
        for start, end in _newest_first(first, now):
            for request in takewhile(lambda _: not stop.is_set(), simulate_requests(settings, start, end)):
                outlet.add(request)
            if not stop.is_set():
                outlet.flush()
                report(_volume(settings, start, now) / _volume(settings, first, now))
    return outlet.sent


def _volume(settings: DemoSettings, start: datetime, end: datetime) -> float:
    """How much traffic lies between two moments, in seconds of the full rate."""
    turn = min(max(start, settings.dense_from), end)
    return (end - turn).total_seconds() + THIN_SHARE * (turn - start).total_seconds()


_backfill = send_backfill  # `run_demo` has an argument of this name


def send_live(
    endpoint: str, start: datetime, duration: timedelta | None, settings: DemoSettings, stop: Event, token: str
) -> int:
    """Export requests as they end, from `start`, for `duration` (None: for ever) or till `stop`. Raises Unreachable."""
    end = start + duration if duration is not None else FOREVER
    with DemoSpanExporter(otlp_exporter(endpoint, token), stop) as outlet:
        for request in simulate_requests(settings, start, end):
            ahead_s = (request.finished_ns - unix_ns(datetime.now(UTC))) / SECOND_NS
            if ahead_s > 0:
                outlet.flush()
                if stop.wait(max(ahead_s, TICK_S)):
                    break
            outlet.add(request)
    return outlet.sent


def _newest_first(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    length = FIRST_PIECE
    while end > start:
        begin = max(start, end - length)
        yield begin, end
        end, length = begin, min(2 * length, DAY)


def _event_after(scenario: str, history: timedelta, duration: timedelta | None, ago: timedelta | None) -> timedelta:
    """When, from now, the scenario's event begins."""
    if ago is not None:
        return -ago
    if scenario == "drift":
        return -history
    if not history:
        return min(timedelta(minutes=2), (duration or timedelta.max) / 3)
    return -history / 4 if scenario == "upgrade" else -min(timedelta(hours=26), history / 2)
