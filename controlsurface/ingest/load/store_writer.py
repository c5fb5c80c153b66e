"""The one thread that turns journal records into rows: in large batches, each once, position and rows together."""

import logging
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from threading import Event

import pyarrow as pa

from controlsurface.config import Config
from controlsurface.errors import StoreError
from controlsurface.ingest.ingest_counters import COUNTER_NAMES, IngestCounters
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.journal.segment_file import JournalPosition, JournalRecord
from controlsurface.ingest.load import batch, rederive_spans, reprice_calls
from controlsurface.ingest.load.batch import BatchLoader, BatchOutcome, DecodedBatch
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.translate.conventions import Conventions
from controlsurface.money.price_edition import price_edition
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.store.duckdb import DuckStore, WriteTransaction

log = logging.getLogger("controlsurface.writer")

MAX_BATCH_BYTES = 32 << 20  # of journal payload in one batch: a flush costs 0.2 s before its first span
DECODE_AHEAD_ROWS = 4096  # waiting spans from which the next batch is decoded while this one is stored
CHECKPOINT_ROWS = 500_000  # spans between checkpoints
REASSIGN_BUDGET_S = 5.0  # of one transaction, for calls whose models are in other lanes now
POLL_INTERVAL_S = 1.0  # between looks for a wish to read stored spans again
RETRY_DELAY_S = 2.0  # pause after a batch that could not be stored
SHUTDOWN_DRAIN_S = 10.0  # for storing before the end; what is left then is stored after the next start

WriterStep = Callable[[BatchLoader, WriteTransaction], bool]

# What says of a step that failed why it ended.
_ABANDON = {
    rederive_spans.rederive_step: rederive_spans.abandon_rederivation,
    reprice_calls.reprice_step: reprice_calls.abandon_repricing,
}

_POSITION = 'SELECT segment, "offset" FROM journal_position'
_SET_ASIDE = "INSERT INTO set_aside VALUES (CAST(now() AS TIMESTAMP), ?, ?, ?)"
# The other two follow from the journal.
_RESTORED_COUNTERS = [name for name in COUNTER_NAMES if name not in {"received", "accepted"}]


class StoreWriter:
    """Follows the journal; `drain` waits until everything durable is stored."""

    def __init__(
        self, store: DuckStore, journal: Journal, counters: IngestCounters, config: Config, conventions: Conventions
    ) -> None:
        self._store, self._journal, self._counters, self._config = store, journal, counters, config
        self._prices = PriceResolver(price_edition(config.costs), config.limits.of("model"))
        self._loader = BatchLoader(conventions, config, self._prices)
        self._stop = threading.Event()
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._steps: deque[tuple[WriterStep, Event]] = deque()
        self._look_at = 0.0
        self._since_checkpoint = 0
        self._damage = (0, 0)  # of the journal: places and bytes, as counted
        self._told = (0, 0)  # of what was turned away, how much stands in the store
        self._rows = config.writer.max_rows
        self.position, self._drained = JournalPosition(0, 0), JournalPosition(0, 0)
        self.failure: str | None = None  # why the last batch could not be stored, while it cannot

    def start(self) -> None:
        """Take up where the store stands and follow the journal from there."""
        self.position = next(
            (JournalPosition(**row) for row in self._store.state(_POSITION).to_pylist()), self.position
        )
        with self._store.writing() as writing:
            self._loader.install(writing)
            rederive_spans.store_fingerprint(writing, self._loader.conventions, self._config)
        self._prices.settle()
        if rederive_spans.reassignment_pending(self._store):
            self.between(rederive_spans.reassign_step)
        self._journal.release(self.position)
        self._counters.add(**_counted(self._store, self._journal.backlog(self.position)))
        self._told = self._turned_away()
        self._thread.start()

    def stop(self, drain: bool = True) -> None:
        """End the thread; when `drain`, after what of the durable can be stored in SHUTDOWN_DRAIN_S."""
        if drain and self.failure is None and not self.drain(SHUTDOWN_DRAIN_S):
            log.warning("stopped before all was stored; the rest is in the journal and follows at the next start")
        with self._moved:
            self._stop.set()
            self._moved.notify_all()
        self._journal.wake()
        self._thread.join()

    def between(self, step: WriterStep) -> Event:
        """Between batches, in a transaction of its own, do `step` for as long as it returns True; set at its end."""
        done = Event()
        self._steps.append((step, done))
        return done

    def lanes_written(self) -> None:
        """From now on no lane is assumed: the configuration names them."""
        self._loader.lanes_written.set()

    def drain(self, timeout_s: float = 60) -> bool:
        """Store at once what is durable now, and wait for that; False when it took longer."""
        end = self._journal.end
        with self._moved:
            self._drained = max(self._drained, end)
            self._moved.notify_all()
            return bool(self._moved.wait_for(lambda: self.position >= end, timeout_s))

    def _run(self) -> None:
        with ThreadPoolExecutor(1, "decoder") as decoder:
            ahead: Future[_Work | None] | None = None
            while not self._stop.is_set():
                try:
                    work = ahead.result() if ahead else self._next(self.position)
                    ahead = None
                    if work is None:
                        if not self._step():
                            self._journal.wait(self.position, 0.2)
                        continue
                    if self._journal.backlog(work.end) >= DECODE_AHEAD_ROWS:
                        ahead = decoder.submit(self._next, work.end)
                    self._store_work(work)
                    self.failure, self._rows = None, self._config.writer.max_rows
                    self._step()
                except StoreError as problem:  # the disk, not the data: the same again, later
                    ahead, self.failure = None, str(problem)
                    log.exception("a batch could not be stored; trying again in %g s", RETRY_DELAY_S)
                    self._stop.wait(RETRY_DELAY_S)
                except Exception as problem:
                    ahead = None
                    log.exception("a batch could not be stored; looking for the record that it fails on")
                    self._narrow(f"{type(problem).__name__}: {problem}")

    def _step(self) -> bool:
        """Do one of the steps that wait; whether there was one. One that fails is not tried again before a start."""
        if not self._steps and not self._asked():
            return False
        step, done = self._steps.popleft()
        try:
            with self._store.writing() as writing:
                more = step(self._loader, writing)
            self._prices.settle()
        except StoreError:
            self._steps.appendleft((step, done))
            raise
        except Exception as problem:
            log.exception("a step between batches failed")
            if step in _ABANDON:
                _ABANDON[step](self._store, f"{type(problem).__name__}: {problem}")
            return True
        if more:
            self._steps.append((step, done))
        else:
            done.set()
        return True

    def _asked(self) -> bool:
        """Whether somebody wants stored spans read again or calls priced anew; looked for every POLL_INTERVAL_S."""
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + POLL_INTERVAL_S
        if rederive_spans.rederivation_pending(self._store):
            self.between(rederive_spans.rederive_step)
        if reprice_calls.repricing_pending(self._store):
            self.between(reprice_calls.reprice_step)
        return bool(self._steps)

    def _narrow(self, problem: str) -> None:
        """After a failure take half as much; put a record that fails alone aside, whole, so that it harms no other."""
        records = self._records(self.position)
        if len(records) > 1:
            self._rows = sum(record.items for record in records) // 2
            return
        with self._store.writing() as writing:
            writing.execute(_SET_ASIDE, [records[0].signal, records[0].payload, problem])
            _move(writing, records[0].end)
        self._counters.add(stored=records[0].items, set_aside=records[0].items)
        self._advance(records[0].end, BatchOutcome())

    def _next(self, position: JournalPosition) -> "_Work | None":
        """The records after a position, decoded; a batch that is small and young is given a moment to grow."""
        records = self._records(position)
        if not records:
            return None
        age_s = (time.time_ns() - records[0].received_ns) / 1e9
        delay_s = self._config.writer.max_delay.total_seconds()
        if age_s < delay_s and sum(record.items for record in records) < self._rows // 2:
            self._grow(position, min(delay_s, delay_s - age_s))
            records = self._records(position)
        return _Work(records, self._loader.decode(_bodies(records, "traces"), _bodies(records, "logs")))

    def _grow(self, position: JournalPosition, delay_s: float) -> None:
        """Give the batch that begins there time, unless somebody waits for it."""
        with self._moved:
            self._moved.wait_for(lambda: self._stop.is_set() or self._drained > position, delay_s)

    def _records(self, position: JournalPosition) -> list[JournalRecord]:
        records = _up_to(self._journal.read(position, MAX_BATCH_BYTES), self._rows)
        places, size = self._journal.damage
        known, self._damage = self._damage, (places, size)
        if places > known[0]:
            self._counters.add(journal_damages=places - known[0], journal_lost_bytes=size - known[1])
        return records

    def _store_work(self, work: "_Work") -> None:
        """One batch, one transaction."""
        with self._store.writing() as writing:
            outcome = self._loader.load(writing, work.batch)
            left = outcome.moved and self._follow(writing)
            added = {"stored": sum(record.items for record in work.records), **outcome.counts()}
            self._record(writing, work.end, added)
            turned_away = self._turned_away()
            rejected, refused = (now - known for now, known in zip(turned_away, self._told, strict=True))
            batch.count_unstored(writing, outcome.duplicate, outcome.expired, rejected, refused)
            dropped = self._counters.dropped()
            conventions.add_key_counts(writing, "dropped_keys", dropped)
        self._counters.settle_dropped(dropped)
        self._told = turned_away
        self._prices.settle()
        if left:
            self.between(rederive_spans.reassign_step)
        self._counters.add(**added)
        self._counters.mark(last_stored_received_ns=work.records[-1].received_ns)
        self._advance(work.end, outcome)

    def _follow(self, writing: WriteTransaction) -> bool:
        """Let calls follow their models into other lanes, for REASSIGN_BUDGET_S here; whether some are left."""
        end = time.monotonic() + REASSIGN_BUDGET_S
        while rederive_spans.reassign_step(self._loader, writing):
            if time.monotonic() > end:
                return True
        return False

    def _turned_away(self) -> tuple[int, int]:
        """What the receivers have refused so far: spans one by one, and whole bodies."""
        counts = self._counters.snapshot()
        return counts["rejected"], counts["refused"]

    def _record(self, writing: WriteTransaction, position: JournalPosition, added: dict[str, int]) -> None:
        """How far the journal is stored, and the counters as they will be, into the transaction."""
        _move(writing, position)
        counts = {name: n + added.get(name, 0) for name, n in self._counters.snapshot().items()}
        writing.execute("DELETE FROM ingest_counters")
        kept = pa.table({"name": _RESTORED_COUNTERS, "value": [counts[name] for name in _RESTORED_COUNTERS]})
        writing.attach("kept", kept)
        writing.execute("INSERT INTO ingest_counters SELECT * FROM kept")

    def _advance(self, position: JournalPosition, outcome: BatchOutcome) -> None:
        with self._moved:
            self.position = position
            self._moved.notify_all()
        self._journal.release(position)
        self._since_checkpoint += outcome.inserted
        if self._since_checkpoint >= CHECKPOINT_ROWS:
            self._since_checkpoint = 0
            self._store.checkpoint()


@dataclass(frozen=True, slots=True)
class _Work:
    """Records and what they decode to."""

    records: Sequence[JournalRecord]
    batch: DecodedBatch

    @property
    def end(self) -> JournalPosition:
        """Where the journal goes on after them."""
        return self.records[-1].end


def _counted(store: DuckStore, backlog: int) -> dict[str, int]:
    """The counters as an earlier run left them; what it answered is what is stored and what still waits."""
    kept = {row["name"]: row["value"] for row in store.state("SELECT * FROM ingest_counters").to_pylist()}
    accepted = kept.get("stored", 0) + backlog
    return {**kept, "accepted": accepted, "received": accepted + kept.get("rejected", 0)}


def _bodies(records: Sequence[JournalRecord], signal: str) -> list[tuple[bytes, int]]:
    return [(record.payload, record.received_ns) for record in records if record.signal == signal]


def _up_to(records: Sequence[JournalRecord], rows: int) -> list[JournalRecord]:
    """As many records as fit a transaction, at least one."""
    totals = list(accumulate(record.items for record in records))
    return list(records[: max(bisect_right(totals, rows), 1)])


def _move(writing: WriteTransaction, position: JournalPosition) -> None:
    """Write how far the journal is stored into the transaction."""
    writing.execute("DELETE FROM journal_position")
    writing.execute("INSERT INTO journal_position VALUES (?, ?)", [position.segment, position.offset])
