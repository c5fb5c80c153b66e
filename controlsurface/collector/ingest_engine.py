"""What stands between an accepted body and a row: store, journal, counters, intake and writer of one data directory."""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from controlsurface.alerting.evaluation.rule_loop import Liveness
from controlsurface.audit.comparators import install_comparators
from controlsurface.client.local_client import LocalClient
from controlsurface.clock import SteadyClock
from controlsurface.collector.lane_manager import CONFIG_FILE, LaneManager
from controlsurface.config import Config
from controlsurface.errors import StoreError
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.ingest_counters import IngestCounters
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.journal.segment_file import JOURNAL_FOLDER
from controlsurface.ingest.limits import BodyLimits
from controlsurface.ingest.load.store_writer import StoreWriter
from controlsurface.ingest.receivers.intake import Intake
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.validation.checker_process import InlineChecker, ProcessChecker
from controlsurface.maintenance.retention_worker import RetentionWorker
from controlsurface.maintenance.rollup_worker import RollupWorker
from controlsurface.store.duckdb import DuckStore


@dataclass(frozen=True, slots=True)
class IngestEngine:
    """The running parts; give bodies to `intake`, ask `reader()`."""

    store: DuckStore
    journal: Journal
    counters: IngestCounters
    intake: Intake
    writer: StoreWriter
    config: Config
    lanes: LaneManager
    clock: SteadyClock
    liveness: Liveness

    def reader(self) -> LocalClient:
        """A reader of the store that knows the counters and the health of this process."""
        seconds = self.config.limits.query_time.total_seconds()
        return LocalClient(self.store, self.counters.snapshot, self.problems, seconds, lanes=self.lanes)

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
        for sql, params in install_comparators(config.audit):
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
def running_engine(data: Path, config: Config, file: Path | None = None, apart: bool = False) -> Iterator[IngestEngine]:
    """Own the data directory; on leaving, store what was accepted. Raises StoreInUse, StoreTooNew, StoreError.

    `file` is where `config` was read from, and where changes of it are written. With `apart` bodies are checked in a
    process of their own.
    """
    with ExitStack() as ends:  # from the last to the first
        vocabularies = conventions.load_conventions(config)
        policy = (config.content, vocabularies.vocabularies, config.task_types.from_)
        limits = BodyLimits.of(config.receiver)
        # First: it is ready when the store is.
        checker = ProcessChecker(*policy, config.receiver) if apart else InlineChecker(ContentPolicy(*policy, limits))
        ends.callback(checker.close)
        store = DuckStore.open(data, config.limits.query_memory, config.limits.slow_query.total_seconds())
        ends.callback(store.close)
        store_comparators(store, config)
        journal = _journal(data / JOURNAL_FOLDER, config)
        ends.callback(journal.close)
        counters = IngestCounters()
        writer = StoreWriter(store, journal, counters, config, vocabularies)
        writer.start()
        ends.callback(writer.stop, drain=True)
        roller = RollupWorker(store)
        roller.start()
        ends.callback(roller.stop)
        clock = SteadyClock(config.alerts.clock_tolerance, config.alerts.clock_hold)
        keeper = RetentionWorker(store, config, clock=clock)
        keeper.start()
        ends.callback(keeper.stop)
        ends.callback(logging.getLogger("collector").info, "storing what was accepted")
        intake = Intake(journal, counters, config, checker)
        ends.callback(intake.close)
        lanes = LaneManager(store, writer, config, file or Path.cwd() / CONFIG_FILE)
        liveness = Liveness(config.alerts.stalled_after)
        yield IngestEngine(store, journal, counters, intake, writer, config, lanes, clock, liveness)
