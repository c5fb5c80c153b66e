"""People who look at one dashboard while it is busy: each asks the Overview's questions again when its page would.

As there, a window's end moves in whole refreshes, and what several sessions ask within one is asked once.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from controlsurface.bench.panels import panels
from controlsurface.reader import RemoteReader
from controlsurface.reader.answers import Answers
from controlsurface.reader.asking import Query, R, SupportsAsk

REFRESH, SLOWLY = timedelta(seconds=10), timedelta(minutes=1)  # of the live dashboard; it asks about days SLOWLY
WINDOWS = [timedelta(days=days) for days in (1, 3, 7, 28)]  # of its bar
KEPT = 512

T = TypeVar("T")


class Sharing:
    """A reader whose answers are shared with other sessions; `seconds` has how long those took that were not known."""

    def __init__(self, reader: SupportsAsk, answers: Answers[Any]) -> None:
        self._reader, self._answers = reader, answers
        self.seconds: list[float] = []

    def ask(self, query: Query[R]) -> R:
        """A query's answer, unless another session has it."""
        name = repr(query)

        def timed() -> R:
            began = time.perf_counter()
            found = self._reader.ask(query)
            self.seconds.append(time.perf_counter() - began)
            return found

        found: R = self._answers.of([name], lambda _: {name: timed()})[0]
        return found


class Session(threading.Thread):
    """Asks until told to stop; its first refresh comes somewhere within one, as if it had been there before."""

    def __init__(self, api: str, window: timedelta, refresh: timedelta, late: timedelta, answers: Answers[Any]) -> None:
        super().__init__(daemon=True)
        self._reader = RemoteReader(api)
        self._shared = Sharing(self._reader, answers)
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
        for _ in panels(self._shared, end - self._window, end, ["overview"]):
            if self._over.is_set():
                return

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()
        self.join()
        self._reader.close()


@contextmanager
def looking_on(api: str, sessions: int) -> Iterator[list[float]]:
    """That many sessions meanwhile; the list holds the seconds of all their panels afterwards."""
    known = {each: Answers[Any](each, KEPT) for each in (REFRESH, SLOWLY)}
    people = []
    for number in range(sessions):
        window = WINDOWS[number % len(WINDOWS)]
        refresh = REFRESH if window == WINDOWS[0] else SLOWLY
        people.append(Session(api, window, refresh, refresh * number / sessions, known[refresh]))
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
