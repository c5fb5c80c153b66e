"""What stands between an accepted body and a row: store, journal, counters, intake and writer of one data directory."""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from controlsurface.alerting.loop import Liveness
from controlsurface.audit.compare import in_force
from controlsurface.clock import SteadyClock
from controlsurface.collector.lanes import FILE, Lanes
from controlsurface.config import Config
from controlsurface.errors import StoreError
from controlsurface.ingest import conventions
from controlsurface.ingest.checker import Apart, Here
from controlsurface.ingest.counters import Counters
from controlsurface.ingest.intake import Intake
from controlsurface.ingest.journal import Journal
from controlsurface.ingest.keeper import Keeper
from controlsurface.ingest.limits import BodyLimits
from controlsurface.ingest.prompts import Prompts
from controlsurface.ingest.rolling import Roller
from controlsurface.ingest.writer import Writer
from controlsurface.reader.local import LocalReader
from controlsurface.store.duckdb import DuckStore

JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Engine:
    """The running parts; give bodies to `intake`, ask `reader()`."""

    store: DuckStore
    journal: Journal
    counters: Counters
    intake: Intake
    writer: Writer
    config: Config
    lanes: Lanes
    clock: SteadyClock
    liveness: Liveness

    def reader(self) -> LocalReader:
        """A reader of the store that knows the counters and the health of this process."""
        seconds = self.config.limits.query_time.total_seconds()
        return LocalReader(self.store, self.counters.snapshot, self.problems, seconds, lanes=self.lanes)

    def problems(self) -> list[str]:
        """Why no traffic should come here; empty when all is well."""
        stalled = self.liveness.problem()
        refused = (text for text in self.intake.reasons() if text != self.journal.failure)
        return [*self.failures(), *refused, *([stalled] if stalled else [])]

    def failures(self) -> list[str]:
        """What keeps accepted bodies from being stored, and will until someone acts."""
        return [text for text in (self.writer.failure, self.journal.failure) if text]


def store_comparators(store: DuckStore, config: Config) -> None:
    """Compare answers as the configuration says from now on, in every window."""
    with store.writing() as writing:
        for sql, params in in_force(config.audit):
            writing.execute(sql, params)


def _journal(folder: Path, config: Config) -> Journal:
    """The journal. Raises StoreError where the folder cannot be read and written."""
    if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StoreError(f"{folder}: {os.strerror(errno.EACCES)}; the journal cannot be written")
    try:
        return Journal(folder, config.journal)
    except OSError as problem:
        raise StoreError(f"{problem.filename or folder}: {problem.strerror}; the journal cannot be written") from None


@contextmanager
def running(data: Path, config: Config, file: Path | None = None, *, apart: bool = False) -> Iterator[Engine]:
    """Own the data directory; on leaving, store what was accepted. Raises StoreInUse, StoreTooNew, StoreError.

    `file` is where `config` was read from, and where changes of it are written. With `apart` bodies are checked in a
    process of their own.
    """
    with ExitStack() as ends:  # from the last to the first
        vocabularies = conventions.load(config)
        policy = (config.content, vocabularies.vocabularies, config.task_types.from_)
        limits = BodyLimits.of(config.receiver)
        checker = (
            Apart(*policy, config.receiver) if apart else Here(Prompts(*policy, limits))
        )  # first: it is ready when the store is
        ends.callback(checker.close)
        store = DuckStore.open(data, config.limits.query_memory, config.limits.slow_query.total_seconds())
        ends.callback(store.close)
        store_comparators(store, config)
        journal = _journal(data / JOURNAL, config)
        ends.callback(journal.close)
        counters = Counters()
        writer = Writer(store, journal, counters, config, vocabularies)
        writer.start()
        ends.callback(writer.stop, drain=True)
        roller = Roller(store)
        roller.start()
        ends.callback(roller.stop)
        clock = SteadyClock(config.alerts.clock_tolerance, config.alerts.clock_hold)
        keeper = Keeper(store, config, clock=clock)
        keeper.start()
        ends.callback(keeper.stop)
        ends.callback(logging.getLogger("collector").info, "storing what was accepted")
        intake = Intake(journal, counters, config, checker)
        ends.callback(intake.close)
        lanes = Lanes(store, writer, config, file or Path.cwd() / FILE)
        liveness = Liveness(config.alerts.stalled_after)
        yield Engine(store, journal, counters, intake, writer, config, lanes, clock, liveness)
