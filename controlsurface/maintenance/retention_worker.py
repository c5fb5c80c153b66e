"""The thread that applies the retention by the hour, and whenever somebody asks."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from time import perf_counter

from controlsurface.clock import SteadyClock
from controlsurface.config import Config
from controlsurface.maintenance import rollup_worker
from controlsurface.maintenance.retention_run import RetentionReport, RetentionRun
from controlsurface.store.duckdb import DuckStore

log = logging.getLogger("controlsurface.keeper")

RUN_INTERVAL = timedelta(hours=1)
RETRY_INTERVAL = timedelta(minutes=1)  # after a start, and where roll-ups are waited for
POLL_INTERVAL_S = 2.0  # between looks for wishes
CLOCK_CHANGE_PAUSE = timedelta(days=1)  # after the clock was set: what is removed by a wrong one is gone for good
MAX_CPU_SHARE = 0.2  # of one core's time, at most, however much is too old

_ASKED = "SELECT count(*) AS n FROM retention_asked"
_FORGET = "DELETE FROM retention_loop"
_LOOPED = "INSERT INTO retention_loop VALUES ($ran_at, $next_at, $problem)"
_GRANTED = 'DELETE FROM retention_asked WHERE "at" <= $ran_at'


class RetentionWorker:
    """Removes what is too old, in small transactions with pauses between them."""

    def __init__(
        self, store: DuckStore, config: Config, soon: timedelta = RETRY_INTERVAL, clock: SteadyClock | None = None
    ) -> None:
        self._store, self._config, self._soon = store, config, soon
        self._clock = clock or SteadyClock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="keeper", daemon=True)
        self._next_at = self._clock() + soon
        self._since = perf_counter()

    def start(self) -> None:
        """Begin to look at the clock."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the transaction that it is in."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(POLL_INTERVAL_S):
            try:
                if self._is_due() or self._store.state(_ASKED)["n"][0].as_py():
                    self._run()
            except Exception:
                log.exception("the retention could not be applied; trying again in %s", RUN_INTERVAL)
                self._next_at = self._clock() + RUN_INTERVAL

    def _is_due(self) -> bool:
        """Whether it is time; where the machine's clock was set, a day later, for it may be wrong."""
        now = self._clock()
        if self._clock.in_doubt(CLOCK_CHANGE_PAUSE):
            self._next_at = now + RUN_INTERVAL
        return now >= self._next_at or self._next_at - now > max(RUN_INTERVAL, self._soon)

    def _run(self) -> None:
        self._since = perf_counter()
        run = RetentionRun(self._store, self._config, self._clock(), self._pause).run()
        if run.removed:
            self._store.checkpoint()  # frees the blocks of what is gone
            log.info("retention: %d rows removed", sum(each.rows for each in run.removed))
        self._next_at = self._clock() + (self._soon if run.waiting else RUN_INTERVAL)
        _write_down(self._store, run, self._next_at)

    def _pause(self) -> bool:
        """Leave the machine to others for a while; whether to stop."""
        stopped = self._stop.wait((perf_counter() - self._since) * (1 / MAX_CPU_SHARE - 1))
        self._since = perf_counter()
        return stopped


def apply_retention(store: DuckStore, config: Config) -> RetentionReport:
    """The retention, by the one process that has the store, roll-ups first; the space is free when it returns."""
    rollup_worker.install_rollups(store)
    run = _rolled_up(store, config)
    if run.waiting:  # hours that nobody had marked, and are marked now
        run = _rolled_up(store, config)
    _write_down(store, run, datetime.now(UTC) + RUN_INTERVAL)
    for _ in range(2):  # the second one cuts off what the first one freed at the end of the file
        store.checkpoint()
    return run


def _rolled_up(store: DuckStore, config: Config) -> RetentionReport:
    """A run after all roll-ups of closed buckets are made."""
    while rollup_worker.compute_rollups(store):
        pass
    return RetentionRun(store, config).run()


def _write_down(store: DuckStore, run: RetentionReport, next_at: datetime) -> None:
    """How the run went, and when the next is due; wishes of before are granted."""
    with store.writing() as writing:
        writing.execute(_FORGET)
        writing.execute(_LOOPED, {"ran_at": run.ran_at, "next_at": next_at, "problem": run.problem})
        writing.execute(_GRANTED, {"ran_at": run.ran_at})
