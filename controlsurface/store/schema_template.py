"""The empty schema as the bytes of a database file, so that a process makes it of SQL twice at most."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from controlsurface.store.migrate import migrate

_SMALL_BLOCKS = "(BLOCK_SIZE 16384)"  # the file has 170 kB then


class SchemaTemplate:
    """Makes the schema of new stores: the first two of a process by SQL, all others as copies of the second.

    Most processes make one store or none, and a template would serve them nothing. The connection must still be allowed
    to read files, and to write them for the second.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made = 0
        self._file: bytes | None = None

    def make(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the schema in an empty database, all or nothing."""
        with self._lock:
            self._made += 1
            if self._file is None or not _copy(connection, self._file):
                connection.begin()
                migrate(connection.execute, None)
                connection.commit()
                self._file = _export(connection) if self._made > 1 else None


SCHEMA_TEMPLATE = SchemaTemplate()


def _copy(connection: duckdb.DuckDBPyConnection, file: bytes) -> bool:
    """Make what the file has; False where no file can be written, because temporary ones have no room or no place."""
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder, "schema.duckdb")
            path.write_bytes(file)
            with _attached(connection, path, "(READ_ONLY)"):
                connection.begin()
                connection.execute(f"COPY FROM DATABASE template TO {_name(connection)} (SCHEMA)")
                connection.execute(
                    "INSERT INTO schema_version SELECT version, now()::TIMESTAMP FROM template.schema_version"
                )
                connection.commit()
    except (OSError, duckdb.IOException):
        return False
    return True


def _export(connection: duckdb.DuckDBPyConnection) -> bytes | None:
    """The schema of a database as a file's bytes; None where no file can be written."""
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder, "schema.duckdb")
            with _attached(connection, path, _SMALL_BLOCKS):
                connection.execute(f"COPY FROM DATABASE {_name(connection)} TO template (SCHEMA)")
                connection.execute("INSERT INTO template.schema_version SELECT * FROM schema_version")
            return path.read_bytes()
    except (OSError, duckdb.IOException):
        return None


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, path: Path, how: str) -> Iterator[None]:
    text = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{text}' AS template {how}")
    try:
        yield
    finally:
        connection.execute("DETACH template")


def _name(connection: duckdb.DuckDBPyConnection) -> str:
    """The name of the connection's own database."""
    (name,) = connection.execute("SELECT current_database()").fetchone() or ("memory",)
    return f'"{name}"'
