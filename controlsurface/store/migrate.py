"""Bring a database file to the schema of this version; refuse one that a newer version wrote."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from controlsurface.errors import StoreDiffers, StoreTooNew

SCHEMA_FOLDER = Path(__file__).parent / "schema"
MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"

# What to do with a file that cannot be opened, what that loses, and what brings back what nobody could tell again.
MOVE_AWAY_HINT = (
    "move the file away with its log (`mkdir old; mv controlsurface.duckdb* old/` in the data directory) and run "
    "`controlsurface import --from-store old/controlsurface.duckdb`, which brings audit labels, policies, sampling "
    "plans, silences, events, alert history and exports into a new one; requests come from what the journal still "
    "has (journal.retention), and older ones and their roll-ups are lost"
)

_VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL)"

_TABLES, *_OTHERS = _IN_ORDER = ("CREATE TABLE", "CREATE OR REPLACE MACRO", "CREATE OR REPLACE VIEW", "CREATE")
_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default
FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main' ORDER BY table_name, column_index
"""

Execute = Callable[..., duckdb.DuckDBPyConnection]
Columns = Mapping[tuple[str, str], "TableColumn"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """What a column of a table can hold. `default` is an expression, empty for none."""

    kind: str
    nullable: bool
    default: str


def migration_number(path: Path) -> int:
    """The leading number of `0002_add_column.sql`."""
    return int(path.name.split("_", 1)[0])


def migrate(execute: Execute, found: int | None, migrations: Path = MIGRATIONS_FOLDER) -> None:
    """Bring the version that was found (None: an empty file) up to this one; then make what `schema/` has and it lacks.

    Every file of `schema/` can be run again: tables stay as they are but for columns that they lack, views and macros
    become those of this version. Raises StoreTooNew for a version from the future, StoreDiffers for a table that is not
    what this version reads and writes.
    """
    paths = sorted(migrations.glob("*.sql"), key=migration_number)
    newest = migration_number(paths[-1]) if paths else 1  # which is `schema/` itself
    if found is not None and found > newest:
        known = f"this version knows up to {newest}"
        raise StoreTooNew(f"the store has schema version {found}, {known}; upgrade Control Surface")
    if found is None:
        execute(_VERSION)
    else:
        for path in paths:
            if migration_number(path) > found:
                execute(path.read_text("utf-8"))
    if found != newest:
        execute("INSERT INTO schema_version VALUES (?, now()::TIMESTAMP)", [newest])
    _run(execute, _TABLES)
    if found is not None:
        for statement in missing_column_statements(_columns(execute), _wanted()):
            execute(statement)
    _run(execute, *_OTHERS)


def missing_column_statements(known: Columns, wanted: Columns) -> Iterator[str]:
    """Statements that make room for what tables lack: columns, and NULL in them. Raises StoreDiffers for the rest."""
    tables = {table for table, _ in wanted}
    for place in (each for each in known if each[0] in tables):
        _bearable(place, known[place], wanted.get(place))
    for (table, name), column in wanted.items():
        if (table, name) not in known:
            yield _added(table, name, column)
        elif column.nullable and not known[table, name].nullable:
            yield f'ALTER TABLE {table} ALTER COLUMN "{name}" DROP NOT NULL'


def _bearable(place: tuple[str, str], known: TableColumn, wanted: TableColumn | None) -> None:
    """Nothing, where rows can be read and written all the same. Raises StoreDiffers."""
    table, name = place
    if wanted is None and not known.nullable and not known.default:
        raise _differs(f"table {table} wants a column {name} that this version knows nothing of")
    if wanted and wanted.kind != known.kind:
        raise _differs(f"column {name} of table {table} is {known.kind}, and should be {wanted.kind}")


def _added(table: str, name: str, column: TableColumn) -> str:
    """The statement that adds a column. Raises StoreDiffers where nobody knows what stored rows have there."""
    if not column.nullable and not column.default:
        raise _differs(f"table {table} lacks column {name}, and nobody knows what its rows have there")
    default = f" DEFAULT {column.default}" if column.default else ""
    return f'ALTER TABLE {table} ADD COLUMN "{name}" {column.kind}{default}'


def _differs(what: str) -> StoreDiffers:
    return StoreDiffers(f"{what}: another version made it; open it with that one, or {MOVE_AWAY_HINT}")


@cache
def _wanted() -> Columns:
    """The columns of this version's tables."""
    with duckdb.connect(":memory:") as scratch:
        _run(scratch.execute, _TABLES)
        return _columns(scratch.execute)


def _columns(execute: Execute) -> Columns:
    """The columns of all tables."""
    return {
        (table, name): TableColumn(kind, nullable, default or "")
        for table, name, kind, nullable, default in execute(_COLUMNS).fetchall()
    }


def _run(execute: Execute, *kinds: str) -> None:
    """The files of `schema/` that make things of these kinds. Macros read tables, and views read both."""
    texts = [path.read_text("utf-8") for path in sorted(SCHEMA_FOLDER.glob("*.sql"))]
    for kind in kinds:
        for text in texts:
            if kind == next(words for words in _IN_ORDER if words in text):
                execute(text)
