"""What people did, out of the file of a store that cannot be opened as it is, into one that can."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from controlsurface.errors import NotFound, StoreError
from controlsurface.store.duckdb import DuckStore, WriteTransaction

# What nothing else has: requests come from senders, prices from files. Each with what makes two rows the same.
SALVAGED_TABLE_KEYS: Mapping[str, tuple[str, ...]] = {
    "audit_labels": ("item_id", "reviewer", "revision"),
    "audit_items": ("item_id",),
    "policies": ("version",),
    "sampling_plans": ("version",),
    "silences": ("id",),
    "saved_views": ("name",),
    "task_profiles": ("task_type", "version"),
    "incidents": ("incident_id",),
    "events": ("at", "kind", "title"),
    "drift_accepts": ("rule", "slice", "at"),
    "alert_history": ("at", "rule", "labels"),
    "weekly_exports": ("week", "by", "revision"),
}
_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND NOT internal ORDER BY column_index"


@dataclass(frozen=True, slots=True)
class SalvagedTable:
    """What became of a table: its rows in the old file, those brought, those known, and why others were left."""

    table: str
    rows: int = 0
    brought: int = 0
    known: int = 0
    problem: str = ""


def salvage_store(old: Path, store: DuckStore) -> list[SalvagedTable]:
    """Bring every table of KEYS, each by itself; twice changes nothing. Raises NotFound, StoreError."""
    if not old.is_file():
        raise NotFound(f"{old}: no such file")
    with _opened(old) as connection:
        return [_brought(connection, store, table) for table in SALVAGED_TABLE_KEYS]


@contextmanager
def _opened(old: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The old file, only read; where its write-ahead log cannot be read, without that. Raises StoreError."""
    with tempfile.TemporaryDirectory(prefix="controlsurface-") as folder:
        try:
            connection = duckdb.connect(old, read_only=True)
        except duckdb.Error:
            connection = _without_log(old, Path(folder))
        with connection:
            yield connection


def _without_log(old: Path, folder: Path) -> duckdb.DuckDBPyConnection:
    """A copy of the file without the log beside it."""
    try:
        return duckdb.connect(shutil.copy(old, folder / "old.duckdb"), read_only=True)
    except (duckdb.Error, OSError) as problem:
        raise StoreError(f"{old}: nothing of it can be read: {problem}") from None


def _brought(old: duckdb.DuckDBPyConnection, store: DuckStore, table: str) -> SalvagedTable:
    """One table; what is wrong with it harms no other."""
    try:
        rows = _read(old, store, table)
    except duckdb.Error as problem:
        return SalvagedTable(table, problem=f"cannot be read: {_first_line(problem)}")
    if rows is None:
        return SalvagedTable(table)
    try:
        with store.writing() as writing:
            brought = _added(writing, table, rows)
    except (duckdb.Error, StoreError) as problem:
        return SalvagedTable(table, rows.num_rows, problem=f"cannot be stored: {_first_line(problem)}")
    return SalvagedTable(table, rows.num_rows, brought, rows.num_rows - brought)


def _read(old: duckdb.DuckDBPyConnection, store: DuckStore, table: str) -> pa.Table | None:
    """The rows, with the columns that both files have; None where the old one has no such table."""
    theirs = [name for (name,) in old.execute(_COLUMNS, [table]).fetchall()]
    ours = set(store.state(_COLUMNS, [table])["column_name"].to_pylist())
    both = ", ".join(f'"{name}"' for name in theirs if name in ours)
    return old.execute(f"SELECT {both} FROM {table}").to_arrow_table() if both else None


def _added(writing: WriteTransaction, table: str, rows: pa.Table) -> int:
    """How many rows were new."""
    writing.attach("salvaged", rows)
    same = " AND ".join(f'known."{name}" = salvaged."{name}"' for name in SALVAGED_TABLE_KEYS[table])
    new = f"FROM salvaged WHERE NOT EXISTS (SELECT 1 FROM {table} AS known WHERE {same})"
    n = int(writing.rows(f"SELECT count(*) AS n {new}")["n"][0].as_py())
    writing.execute(f"INSERT INTO {table} BY NAME SELECT salvaged.* {new}")
    return n


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0]
