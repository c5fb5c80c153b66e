"""A consistent copy of the database's file, made beside it while the server goes on, and what its tables come to."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from controlsurface.errors import Conflict, StoreError

SNAPSHOT_FOLDER = "snapshot"  # of the data directory
_EXACT = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "DECIMAL",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)

_SAFE: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}

# In a process of its own: where one process closes a file, its locks on that file are gone, those of DuckDB too.
_COPY = """
import os, shutil, sys
for source, target in zip(sys.argv[1::2], sys.argv[2::2]):
    shutil.copyfile(source, target)
    with open(target, "rb") as written:
        os.fsync(written.fileno())
"""


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """The last copy that was asked for: `bytes` to copy; `folder` holds it once `finished_at` is set, or a problem."""

    folder: Path
    asked_at: datetime
    bytes: int
    finished_at: datetime | None = None
    problem: str | None = None


class SnapshotTaker:
    """Copies the database file of a data directory, one copy at a time, while `quiet` keeps all writers waiting."""

    def __init__(self, file: Path, quiet: Callable[[], AbstractContextManager[None]]) -> None:
        self._file, self._quiet = file, quiet
        self._lock = threading.Lock()
        self.folder = file.parent / SNAPSHOT_FOLDER
        shutil.rmtree(self.folder, ignore_errors=True)  # of whoever had the directory before
        self.state: SnapshotState | None = None

    def begin(self) -> SnapshotState:
        """Begin a copy in the place of the last one. Raises Conflict while one is under way."""
        with self._lock:
            if self.state and not self.state.finished_at:
                raise Conflict("a copy of the database is being made already; ask again once that is done")
            self.state = SnapshotState(self.folder, datetime.now(UTC), sum(map(_size, _parts(self._file))))
        threading.Thread(target=self._run, args=(self.state,), name="snapshot", daemon=True).start()
        return self.state

    def remove(self) -> None:
        """Forget the last copy. Raises Conflict while one is under way."""
        with self._lock:
            if self.state and not self.state.finished_at:
                raise Conflict("a copy of the database is being made; ask again once that is done")
            shutil.rmtree(self.folder, ignore_errors=True)
            self.state = None

    def _run(self, asked: SnapshotState) -> None:
        problem = None
        try:
            self._copy()
        except (OSError, StoreError, duckdb.Error) as failure:
            shutil.rmtree(self.folder, ignore_errors=True)
            problem = f"{self._file}: {failure}"
        self.state = replace(asked, finished_at=datetime.now(UTC), problem=problem)

    def _copy(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        with self._quiet():
            pairs = [str(path) for part in _parts(self._file) for path in (part, self.folder / part.name)]
            done = subprocess.run(
                [sys.executable, "-IS", "-c", _COPY, *pairs], check=False, capture_output=True, text=True
            )
        if done.returncode:
            raise StoreError(f"cannot be copied: {done.stderr.strip().rpartition(chr(10))[2]}")


def _parts(file: Path) -> list[Path]:
    """The file, and its log where it has one."""
    return [each for each in (file, file.with_name(f"{file.name}.wal")) if each.exists()]


def _size(path: Path) -> int:
    return path.stat().st_size


def table_totals(file: Path) -> dict[str, dict[str, str]]:
    """Of each table of a database that nobody has open: rows, and the sums of its columns of whole and exact numbers.

    Sums are text, to the last digit; those of columns without a value are left out. Raises StoreError.
    """
    try:
        with closing(duckdb.connect(str(file), read_only=True, config=_SAFE)) as connection:
            columns = connection.execute(
                "SELECT table_name, list(column_name ORDER BY column_name) "
                "FILTER (regexp_replace(data_type, '[(].*', '') IN $exact) AS summed "
                "FROM duckdb_columns() WHERE NOT internal AND table_name IN (SELECT table_name FROM duckdb_tables()) "
                "GROUP BY table_name ORDER BY table_name",
                {"exact": list(_EXACT)},
            ).fetchall()
            return {table: _totals(connection, table, summed or []) for table, summed in columns}
    except duckdb.Error as problem:
        raise StoreError(f"{file}: {problem}") from None


def _totals(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> dict[str, str]:
    sums = "".join(f""", sum("{name}")::VARCHAR""" for name in columns)
    found = connection.execute(f"""SELECT count(*)::VARCHAR{sums} FROM "{table}" """).fetchone()
    named = zip(("rows", *columns), found or (), strict=True)
    return {name: value for name, value in named if value is not None}
