"""The embedded store: one process owns the file, any number of threads read it, one writes."""

import errno
import fcntl
import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa

from controlsurface.errors import StoreDiffers, StoreError, StoreInUse, TooMuch, TooSlow
from controlsurface.store import private
from controlsurface.store.budget import current
from controlsurface.store.migrate import MOVE_AWAY, migrate
from controlsurface.store.utc import Parameters, as_utc, stored, without_zone

FILE = "controlsurface.duckdb"
LOCK = "lock"

_NO_MEMORY = (
    "the query needs more memory than limits.query_memory; take fewer dimensions in by, a narrower window, or filter "
    "with where"
)

# Nothing reaches outside the file; checkpoints come when the writer says so, not in the middle of a batch. What does
# not fit into the memory is put on disk meanwhile, so that the collector as a whole stays below 1 GB.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "checkpoint_threshold": "1GB",
    "preserve_insertion_order": "true",
    "threads": str(max(2, os.cpu_count() or 2)),
}
MEMORY_BYTES = 400 << 20


# Rows are copied once more; what is advised instead, a relation, plans every question twice, which costs more.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result makes an extra copy")


def _with(memory_bytes: int) -> dict[str, str | bool | int | float | list[str]]:
    """The settings, with a bound on the memory of all statements together."""
    return _CONFIG | {"memory_limit": f"{memory_bytes}B"}


def _arrow(cursor: duckdb.DuckDBPyConnection, sql: str, params: Parameters) -> pa.Table:
    return as_utc(cast("pa.Table", cursor.execute(sql, stored(params)).to_arrow_table()))


class Reading:
    """A cursor for queries. What it keeps is its own, and forgotten with it."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def rows(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Run a query."""
        return _arrow(self._cursor, sql, params)

    def keep(self, name: str, sql: str, params: Parameters = ()) -> None:
        """Make a query's rows readable under `name`."""
        self._cursor.execute(f"CREATE TEMP TABLE {name} AS\n{sql}", stored(params))


class Writing:
    """One open transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._attached: list[str] = []

    def execute(self, sql: str, params: Parameters = ()) -> None:
        """Run a statement for its effect."""
        self._cursor.execute(sql, stored(params))

    def rows(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Run a query, inside the transaction."""
        return _arrow(self._cursor, sql, params)

    def attach(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name` until the transaction ends."""
        self._cursor.register(name, without_zone(table))
        self._attached.append(name)

    def detach(self) -> None:
        """Forget all attached tables."""
        for name in self._attached:
            self._cursor.unregister(name)
        self._attached.clear()


class DuckStore:
    """A DuckDB file and its lock."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lock: IO[str] | None = None) -> None:
        self._connection = connection
        self._lock = lock
        self._write_lock, self._beside_lock = threading.Lock(), threading.Lock()
        self._writer, self._second = connection.cursor(), connection.cursor()
        self._reading: dict[duckdb.DuckDBPyConnection, float] = {}
        self._reading_lock = threading.Lock()
        self.written = object()  # another one after every commit: what was read before may have changed

    @staticmethod
    def open(data: Path, memory_bytes: int = MEMORY_BYTES) -> "DuckStore":
        """Own the data directory. Raises StoreInUse, StoreTooNew or StoreError naming the file."""
        path = data / FILE
        private.UMASK.hold()
        with ExitStack() as undone:
            undone.callback(private.UMASK.release)
            lock = undone.enter_context(_lock(data))
            try:
                private.restrict(data)
                connection = undone.enter_context(duckdb.connect(path, config=_with(memory_bytes)))
                store = DuckStore(_prepared(connection), lock)
            except duckdb.Error as problem:
                raise _unusable(path, problem) from None
            except StoreDiffers as problem:
                raise StoreDiffers(f"{path}: {problem}") from None
            except OSError as problem:
                raise _closed(Path(problem.filename or data), problem) from None
            undone.pop_all()
            return store

    @staticmethod
    def in_memory() -> "DuckStore":
        """The same schema without a file."""
        return DuckStore(_prepared(duckdb.connect(":memory:", config=_with(MEMORY_BYTES))))

    def rows(self, sql: str, params: Parameters = (), timeout_s: float = 30) -> pa.Table:
        """Run a query on a cursor of its own. Raises TooSlow when it takes longer than `timeout_s`."""
        with self.reading(timeout_s) as reading:
            return reading.rows(sql, params)

    @contextmanager
    def reading(self, timeout_s: float = 30) -> Iterator[Reading]:
        """Queries that build on each other.

        Raises TooSlow when all together take longer than `timeout_s` or than is left of the answer's budget, Abandoned
        when nobody waits for it any more, TooMuch when they need more memory than there is for queries.
        """
        budget = current()
        most_s = min(timeout_s, budget.seconds) if budget else timeout_s
        with ExitStack() as ends:
            cursor = ends.enter_context(self._connection.cursor())
            if budget:
                ends.enter_context(budget.running(cursor))
            alarm = threading.Timer(min(most_s, budget.left_s) if budget else most_s, cursor.interrupt)
            alarm.daemon = True  # at the end of the process nobody waits for it
            ends.callback(alarm.cancel)
            alarm.start()
            began = time.monotonic()
            with self._reading_lock:
                self._reading[cursor] = began
            try:
                yield Reading(cursor)
            except duckdb.InterruptException:
                if budget and budget.left_s:
                    budget.check()
                over = budget is not None and not budget.left_s
                lasted_s = most_s if over else min(time.monotonic() - began, most_s)
                raise TooSlow(f"stopped after {lasted_s:.3g} s; narrow the query's time range") from None
            except duckdb.OutOfMemoryException:
                raise TooMuch(_NO_MEMORY) from None
            finally:
                with self._reading_lock:
                    del self._reading[cursor]

    def interrupt(self, longer_than_s: float) -> int:
        """Stop all queries that have been running for so long; how many. They raise TooSlow."""
        before = time.monotonic() - longer_than_s
        with self._reading_lock:
            late = [cursor for cursor, began in self._reading.items() if began <= before]
            for cursor in late:
                cursor.interrupt()
        return len(late)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """One transaction; an exception rolls it back. Raises StoreError where the disk fails, TooMuch for memory."""
        with self._write_lock, _transaction(self._writer) as writing:
            yield writing
        self.written = object()

    @contextmanager
    def beside(self) -> Iterator[Writing]:
        """A transaction that keeps no other waiting, on tables where others only add rows. Raises as `writing` does."""
        with self._beside_lock, _transaction(self._second) as writing:
            yield writing
        self.written = object()

    def checkpoint(self) -> None:
        """Move what the write-ahead log holds into the file."""
        with self._beside_lock, self._write_lock:
            self._writer.checkpoint()

    def close(self) -> None:
        """Give the file and the lock back."""
        self._writer.close()
        self._second.close()
        self._connection.close()
        if self._lock:
            self._lock.close()
            private.UMASK.release()
            self._lock = None


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[Writing]:
    """One transaction on a cursor."""
    writing = Writing(cursor)
    cursor.begin()
    try:
        yield writing
        cursor.commit()
    except duckdb.IOException as problem:
        _roll_back(cursor)
        raise StoreError(str(problem)) from None
    except duckdb.OutOfMemoryException as problem:
        _roll_back(cursor)
        raise TooMuch(str(problem).partition("\n")[0]) from None
    except BaseException:
        _roll_back(cursor)
        raise
    finally:
        writing.detach()


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End the transaction; one that a failed commit ended already is no second problem."""
    with suppress(duckdb.TransactionException):
        cursor.rollback()


def owner(data: Path) -> int | None:
    """The process that owns the data directory, or None. Raises StoreError where that cannot be told."""
    try:
        with (data / LOCK).open("r", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return int((data / LOCK).read_text("utf-8") or 0)
    except OSError as problem:
        raise _closed(data / LOCK, problem) from None


def _lock(data: Path) -> IO[str]:
    """Take the directory's lock and write our process id into it."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = (data / LOCK).open("a+", encoding="utf-8")
    except OSError as problem:
        raise _closed(Path(problem.filename or data), problem) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        pid = handle.read().strip()
        handle.close()
        raise StoreInUse(f"{data}: in use by process {pid or '?'}; stop it, or give --data another directory") from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def _unusable(path: Path, problem: duckdb.Error) -> StoreError:
    """The error for a file that DuckDB cannot open: because we may not, or because it is damaged."""
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return _closed(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return StoreError(f"{path}: {problem}; if it is damaged, restore a copy of it, or {MOVE_AWAY}")


def _closed(path: Path, problem: OSError) -> StoreError:
    """The error for a file or folder that we may not use as we must."""
    return StoreError(
        f"{path}: {problem.strerror}; give --data a directory that this user can write, or let the user write this one"
    )


def _prepared(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Bring the schema up to date, then lock the settings."""
    known = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_version'"
    found = None
    if (connection.execute(known).fetchone() or (0,))[0]:
        found = (connection.execute("SELECT max(version) FROM schema_version").fetchone() or (None,))[0]
    connection.begin()
    migrate(connection.execute, found)
    connection.commit()
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # what casts and now() go by; else it is the machine's
    connection.execute("SET lock_configuration = true")
    return connection
