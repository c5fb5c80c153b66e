"""People who look at the dashboard while it is busy: each asks the Overview's questions again when its page would."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from controlsurface.bench.panels import panels
from controlsurface.reader import RemoteReader

REFRESH_S, SLOWLY_S = 10.0, 60.0  # of the live dashboard; it asks anew about days once a minute
WINDOWS = [timedelta(days=days) for days in (1, 3, 7, 28)]  # of its bar


class Session(threading.Thread):
    """Asks until told to stop; `seconds` holds how long each panel took. No session shares another's answers."""

    def __init__(self, api: str, number: int) -> None:
        super().__init__(daemon=True)
        self._reader = RemoteReader(api)
        self._window = WINDOWS[number % len(WINDOWS)]
        self._refresh_s = REFRESH_S if self._window == WINDOWS[0] else SLOWLY_S
        self._late_s = number * REFRESH_S / 5
        self._over = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        """One refresh after the other."""
        self._over.wait(self._late_s % REFRESH_S)
        while not self._over.is_set():
            began = time.monotonic()
            self._refresh()
            self._over.wait(max(0.0, self._refresh_s - (time.monotonic() - began)))

    def _refresh(self) -> None:
        now = datetime.now(UTC)
        for asked in panels(self._reader, now - self._window, now, ["overview"]):
            self.seconds.append(asked.seconds)
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
    people = [Session(api, number) for number in range(sessions)]
    seconds: list[float] = []
    for each in people:
        each.start()
    try:
        yield seconds
    finally:
        for each in people:
            each.stop()
            seconds += each.seconds
