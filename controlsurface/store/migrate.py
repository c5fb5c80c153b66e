"""Bring a database file to the schema of this version; refuse one that a newer version wrote."""

from collections.abc import Callable
from pathlib import Path

from controlsurface.errors import StoreTooNew

SCHEMA = Path(__file__).parent / "schema"
MIGRATIONS = Path(__file__).parent / "migrations"

_VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL)"

_IN_ORDER = ("CREATE TABLE", "CREATE OR REPLACE MACRO", "CREATE OR REPLACE VIEW", "CREATE")

Execute = Callable[..., object]


def version_of(folder: Path) -> int:
    """The schema version that a folder of numbered migrations leads to; 1 is `schema/` itself."""
    return max((number(path) for path in folder.glob("*.sql")), default=1)


def number(path: Path) -> int:
    """The leading number of `0002_add_column.sql`."""
    return int(path.name.split("_", 1)[0])


def migrate(execute: Execute, found: int | None, migrations: Path = MIGRATIONS) -> None:
    """Bring the version that was found (None: an empty file) up to this one; then make what `schema/` has and it lacks.

    Every file of `schema/` can be run again: tables stay as they are, views and macros become those of this version.
    Raises StoreTooNew for a version from the future.
    """
    newest = version_of(migrations)
    if found is not None and found > newest:
        raise StoreTooNew(
            f"the store has schema version {found}, this version knows up to {newest}; upgrade Control Surface"
        )
    if found is None:
        execute(_VERSION)
    else:
        for path in sorted((path for path in migrations.glob("*.sql") if number(path) > found), key=number):
            execute(path.read_text("utf-8"))
    if found != newest:
        execute("INSERT INTO schema_version VALUES (?, now()::TIMESTAMP)", [newest])
    objects = [path.read_text("utf-8") for path in sorted(SCHEMA.glob("*.sql"))]
    for text in sorted(objects, key=_rank):
        execute(text)


def _rank(text: str) -> int:
    """Macros read tables, and views read both."""
    return next(rank for rank, words in enumerate(_IN_ORDER) if words in text)
