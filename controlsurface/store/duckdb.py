"""The embedded store: one process owns the file, any number of threads read it, one writes."""

import errno
import fcntl
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TypeVar, cast

import duckdb
import pyarrow as pa

from controlsurface.errors import Abandoned, StoreDiffers, StoreError, StoreInUse, TooMuch, TooSlow
from controlsurface.store import file_permissions, statement_cache
from controlsurface.store.migrate import MOVE_AWAY_HINT, migrate, newest_version, schema_is_current
from controlsurface.store.named_query import NamedQuery, Parameters
from controlsurface.store.query_budget import QueryStats, current_budget
from controlsurface.store.schema_template import SCHEMA_TEMPLATE
from controlsurface.store.snapshot import SnapshotTaker
from controlsurface.store.utc import as_utc, stored, without_zone

STORE_FILE = "controlsurface.duckdb"
LOCK_FILE = "lock"

_OUT_OF_MEMORY_TEXT = (
    "needs more memory than limits.query_memory; take fewer dimensions in by, a narrower window, or filter with where"
)

T = TypeVar("T")

# Nothing reaches outside the file; checkpoints come when the writer says so, not in the middle of a batch. What does
# not fit into the memory is put on disk meanwhile, so that the collector as a whole stays below 1 GB.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "checkpoint_threshold": "1GB",
    "preserve_insertion_order": "true",
    "storage_compatibility_version": "v2.0.0",  # whichever release of DuckDB writes it, all since then can read it
    "threads": str(max(2, os.cpu_count() or 2)),
}
DEFAULT_MEMORY_BYTES = 400 << 20
SLOW_QUERY_S = 5.0
_STATE = "a state table"
_MEMORY = ":memory:"


# Rows are copied once more; what is advised instead, a relation, plans every question twice, which costs more.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result makes an extra copy")


def _arrow(cursor: duckdb.DuckDBPyConnection, sql: str, params: Parameters) -> pa.Table:
    reader = cast("pa.RecordBatchReader", statement_cache.run(cursor, sql, stored(params)).to_arrow_reader())
    return as_utc(reader.read_all())


class QuerySession:
    """A cursor for queries that build on each other. What it materializes is its own, and forgotten with it."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, stats: QueryStats) -> None:
        self._cursor, self._stats = cursor, stats
        self.running: NamedQuery | str = _STATE

    def query(self, query: NamedQuery) -> pa.Table:
        """Run a query."""
        return self._timed(query, lambda: _arrow(self._cursor, query.sql, query.parameters))

    def materialize(self, name: str, query: NamedQuery) -> None:
        """Make a query's rows readable under `name` in this session."""
        sql = f"CREATE TEMP TABLE {name} AS\n{query.sql}"
        self._timed(query, lambda: statement_cache.run(self._cursor, sql, stored(query.parameters)))

    def state(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Read state tables."""
        self.running = _STATE
        return _arrow(self._cursor, sql, params)

    def _timed(self, query: NamedQuery, run: Callable[[], T]) -> T:
        self.running, began = query, time.monotonic()
        try:
            return run()
        finally:
            self._stats.add(query, time.monotonic() - began)


class WriteTransaction:
    """One open transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._attached: list[str] = []

    def execute(self, sql: str, params: Parameters = ()) -> None:
        """Run a statement for its effect."""
        statement_cache.run(self._cursor, sql, stored(params))

    def rows(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Run a query, inside the transaction."""
        return _arrow(self._cursor, sql, params)

    def materialize(self, name: str, sql: str, params: Parameters = ()) -> None:
        """Make a query's rows readable under `name` on this connection, until others take their place."""
        statement_cache.run(self._cursor, f"CREATE OR REPLACE TEMP TABLE {name} AS\n{sql}", stored(params))

    def define_view(self, name: str, sql: str) -> None:
        """Make a query readable under `name` on this connection."""
        statement_cache.run(self._cursor, f"CREATE OR REPLACE TEMP VIEW {name} AS\n{sql}")

    def define_functions(self, expressions: Mapping[str, str]) -> None:
        """Make expressions callable on this connection, by signatures such as `lane_of_name(name)`."""
        for signature, expression in expressions.items():
            self._cursor.execute(f"CREATE OR REPLACE TEMP MACRO {signature} AS {expression}")

    def types(self, sql: str) -> dict[str, str]:
        """The columns of a query's rows, and the types of their values."""
        described = _arrow(self._cursor, f"DESCRIBE {sql}", ())
        return dict(zip(*(described[name].to_pylist() for name in ("column_name", "column_type")), strict=True))

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

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lock: IO[str] | None = None,
        slow_query_s: float = SLOW_QUERY_S,
        file: Path | None = None,
    ) -> None:
        self._connection = connection
        self.snapshots = SnapshotTaker(file, self._quiet) if file else None  # None: there is no file
        self.stats = QueryStats(slow_query_s)
        self._lock = lock
        self._write_lock, self._beside_lock = threading.Lock(), threading.Lock()
        self._writer, self._second = connection.cursor(), connection.cursor()
        self._reading: dict[duckdb.DuckDBPyConnection, float] = {}
        self._reading_lock = threading.Lock()
        self.written = object()  # another one after every commit: what was read before may have changed

    @staticmethod
    def open(data: Path, memory_bytes: int = DEFAULT_MEMORY_BYTES, slow_query_s: float = SLOW_QUERY_S) -> "DuckStore":
        """Own the data directory. Raises StoreInUse, StoreTooNew or StoreError naming the file."""
        path = data / STORE_FILE
        file_permissions.UMASK.hold()
        with ExitStack() as undone:
            undone.callback(file_permissions.UMASK.release)
            lock = undone.enter_context(_lock(data))
            try:
                file_permissions.restrict_permissions(data)
                connection = undone.enter_context(_connected(path, memory_bytes))
                store = DuckStore(connection, lock, slow_query_s, path)
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
        return DuckStore(_connected(_MEMORY, DEFAULT_MEMORY_BYTES))

    def query(self, query: NamedQuery, timeout_s: float = 30) -> pa.Table:
        """Run a data query on a cursor of its own. Raises as `session` does."""
        with self.session(timeout_s) as session:
            return session.query(query)

    def state(self, sql: str, params: Parameters = (), timeout_s: float = 30) -> pa.Table:
        """Read state tables on a cursor of its own. Raises as `session` does."""
        with self.session(timeout_s) as session:
            return session.state(sql, params)

    def explain(self, query: NamedQuery) -> str:
        """The plan that a query runs by, with the rows and seconds of each step."""
        return str(self.state(f"EXPLAIN ANALYZE {query.sql}", query.parameters)["explain_value"][0])

    @contextmanager
    def session(self, timeout_s: float = 30) -> Iterator[QuerySession]:
        """Queries that build on each other.

        Raises TooSlow when all together take longer than `timeout_s` or than is left of the answer's budget, Abandoned
        when nobody waits for it any more, TooMuch when they need more memory than there is for queries.
        """
        budget = current_budget()
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
            session = QuerySession(cursor, self.stats)
            try:
                yield session
            except duckdb.InterruptException:
                if budget and budget.left_s:
                    budget.check()
                over = budget is not None and not budget.left_s
                lasted_s = most_s if over else min(time.monotonic() - began, most_s)
                stopped = f"stopped after {lasted_s:.3g} s, in {session.running}"
                raise TooSlow(f"{stopped}; narrow the query's time range") from None
            except duckdb.OutOfMemoryException:
                raise TooMuch(f"{session.running} {_OUT_OF_MEMORY_TEXT}") from None
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
    def writing(self) -> Iterator[WriteTransaction]:
        """One transaction; an exception rolls it back. Raises StoreError where the disk fails, TooMuch for memory."""
        with self._write_lock, _transaction(self._writer) as writing:
            yield writing
        self.written = object()

    @contextmanager
    def beside(self) -> Iterator[WriteTransaction]:
        """A transaction that keeps no other waiting, on tables where others only add rows. Raises as `writing` does."""
        with self._beside_lock, _transaction(self._second) as writing:
            yield writing
        self.written = object()

    def interrupt_beside(self) -> None:
        """Have a transaction of `beside` rolled back, where a statement of it runs now. It raises Abandoned."""
        self._second.interrupt()

    def checkpoint(self) -> None:
        """Move what the write-ahead log holds into the file."""
        with self._beside_lock, self._write_lock:
            self._writer.checkpoint()

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """No writer until the block ends; what the log holds is in the file, where that can be done now."""
        with self._beside_lock, self._write_lock:
            with suppress(duckdb.Error):
                self._writer.checkpoint()
            yield

    def close(self) -> None:
        """Give the file and the lock back."""
        self._writer.close()
        self._second.close()
        self._connection.close()
        if self._lock:
            self._lock.close()
            file_permissions.UMASK.release()
            self._lock = None


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[WriteTransaction]:
    """One transaction on a cursor."""
    writing = WriteTransaction(cursor)
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
    except duckdb.InterruptException:
        _roll_back(cursor)
        raise Abandoned("a transaction was stopped and rolled back") from None
    except BaseException:
        _roll_back(cursor)
        raise
    finally:
        writing.detach()


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End the transaction; one that a failed commit ended already is no second problem, nor is an interrupt here."""
    with suppress(duckdb.TransactionException):
        while True:
            try:
                cursor.rollback()
            except duckdb.InterruptException:
                continue
            return


def store_owner(data: Path) -> int | None:
    """The process that owns the data directory, or None. Raises StoreError where that cannot be told."""
    try:
        with (data / LOCK_FILE).open("r", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return int((data / LOCK_FILE).read_text("utf-8") or 0)
    except OSError as problem:
        raise _closed(data / LOCK_FILE, problem) from None


def _lock(data: Path) -> IO[str]:
    """Take the directory's lock and write our process id into it."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = (data / LOCK_FILE).open("a+", encoding="utf-8")
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
    return StoreError(f"{path}: {problem}; if it is damaged, restore a copy of it, or {MOVE_AWAY_HINT}")


def _closed(path: Path, problem: OSError) -> StoreError:
    """The error for a file or folder that we may not use as we must."""
    hint = "give --data a directory that this user can write, or let the user write this one"
    return StoreError(f"{path}: {problem.strerror}; {hint}")


def _connected(database: Path | str, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    """A connection to a database with our schema, and with its settings locked."""
    new = database == _MEMORY or not Path(database).exists()
    settings = _CONFIG | {"memory_limit": f"{memory_bytes}B"}
    if new:  # the template of a schema is a file
        del settings["enable_external_access"]
    with ExitStack() as undone:
        connection = undone.enter_context(duckdb.connect(database, config=settings))
        if new:
            SCHEMA_TEMPLATE.make(connection)
        else:
            _update_schema(connection)
        connection.execute("SET GLOBAL enable_external_access = false")
        connection.execute("SET GLOBAL TimeZone = 'UTC'")  # what casts and now() go by; else it is the machine's
        connection.execute("SET lock_configuration = true")
        undone.pop_all()
        return connection


def _update_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the schema up to date, where it is not."""
    known = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_version'"
    found = None
    if (connection.execute(known).fetchone() or (0,))[0]:
        found = (connection.execute("SELECT max(version) FROM schema_version").fetchone() or (None,))[0]
    if found is None or found != newest_version() or not schema_is_current(connection.execute):
        connection.begin()
        migrate(connection.execute, found)
        connection.commit()
