"""The requests of a window of time: a pure function of settings and window."""

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter

import numpy as np

from controlsurface.arrays import Floats
from controlsurface.demo.demo_company import THIN_SHARE, DemoSettings
from controlsurface.demo.outcomes import MAX_CALL_MS, decide_requests
from controlsurface.demo.random_draws import IDS_PER_REQUEST, draw_arrivals
from controlsurface.demo.request_spans import SimulatedRequest, build_request

SECOND_NS = 10**9
MAX_REQUEST_NS = IDS_PER_REQUEST * int(MAX_CALL_MS) * 1_000_000  # no request takes longer


def simulate_requests(settings: DemoSettings, start: datetime, end: datetime) -> Iterator[SimulatedRequest]:
    """Every request whose last span ended in [start, end), in that order.

    Time is cut into blocks with a generator each, seeded by block: any partition of a window gives the same requests.
    """
    length = _block_ns(settings)
    start_ns, end_ns = unix_ns(start), unix_ns(end)
    waiting: list[SimulatedRequest] = []
    for block in range((start_ns - MAX_REQUEST_NS) // length, -(-end_ns // length)):
        waiting = sorted([*waiting, *_block(settings, block, length, start_ns)], key=attrgetter("finished_ns"))
        horizon = min((block + 1) * length, end_ns)
        yield from (request for request in waiting if start_ns <= request.finished_ns < horizon)
        waiting = [request for request in waiting if request.finished_ns >= horizon]


def unix_ns(moment: datetime) -> int:
    """Nanoseconds since 1970, exact to the microsecond."""
    return round(moment.timestamp() * 1_000_000) * 1000


def _block_ns(settings: DemoSettings) -> int:
    """An hour of thin traffic, a minute or a few seconds of dense."""
    return (3600 if settings.rate <= 1 else 60 if settings.rate <= 100 else 5) * SECOND_NS


def _block(settings: DemoSettings, block: int, length: int, from_ns: int) -> Iterator[SimulatedRequest]:
    """The requests that arrive within a block, but for those that have ended before `from_ns` for certain."""
    start_ns = block * length
    expected = settings.rate * (length / SECOND_NS) * (_rhythm(start_ns) if settings.rhythm else 1.0)
    if start_ns < unix_ns(settings.dense_from):
        expected *= THIN_SHARE
    random = np.random.default_rng([settings.seed, block])
    return map(build_request, decide_requests(draw_arrivals(random, start_ns, length, expected), settings, from_ns))


def _rhythm(at_ns: int) -> float:
    """Traffic of the hour against the average of its week: busy afternoons, quiet nights, slow weekends."""
    hours = at_ns // (3600 * SECOND_NS)
    return float(_WEEK[(hours // 24 + 3) % 7, hours % 24])  # 1970 began on a Thursday


def _week() -> Floats:
    """Weights of the hours of a week, Monday first, with mean 1."""
    day = 0.5 + 1.3 * np.exp(-(((np.arange(24) - 14) / 4.5) ** 2))
    week: Floats = np.outer([1.05, 1.1, 1.1, 1.05, 1.0, 0.65, 0.6], day)
    week /= week.mean()
    return week


_WEEK = _week()
