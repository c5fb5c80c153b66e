"""People who look at one dashboard while it is busy: each asks the Overview's questions again when its page would.

As there, a window's end moves in whole refreshes, and what several sessions ask within one is asked once.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from controlsurface.bench.page_queries import time_panels
from controlsurface.client import RemoteClient
from controlsurface.client.query_protocol import Query, R, SupportsQueries
from controlsurface.client.shared_results import SharedResults

REFRESH_INTERVAL, SLOW_REFRESH_INTERVAL = (
    timedelta(seconds=10),
    timedelta(minutes=1),
)  # of the live dashboard; it asks about days SLOWLY
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
        self._window, self._refresh, self._late_s = window, refresh, late.total_seconds()
        self._over = threading.Event()

    @property
    def seconds(self) -> list[float]:
        """How long each panel took that this session asked for."""
        return self._shared.seconds

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
