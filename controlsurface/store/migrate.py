"""Bring a database file to the schema of this version; refuse one that a newer version wrote."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
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

# Every view carries the fingerprint of the schema, and of the tables as they are, in its comment. A version that knows
# nothing of fingerprints replaces the views when it opens the store, and the comments go with them.
_MARKS = """
SELECT
    (SELECT md5(string_agg(table_name || sql, chr(10) ORDER BY table_name)) FROM duckdb_tables() WHERE NOT internal),
    (SELECT list((view_name, comment) ORDER BY view_name) FROM duckdb_views() WHERE NOT internal)
"""
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW (\w+)", re.MULTILINE)

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


def newest_version(migrations: Path = MIGRATIONS_FOLDER) -> int:
    """The version of a store that this version makes."""
    return max(map(migration_number, migrations.glob("*.sql")), default=1)  # 1 is `schema/` itself


def migrate(execute: Execute, found: int | None, migrations: Path = MIGRATIONS_FOLDER) -> None:
    """Bring the version that was found (None: an empty file) up to this one; then make what `schema/` has and it lacks.

    Every file of `schema/` can be run again: tables stay as they are but for columns that they lack, views and macros
    become those of this version. Raises StoreTooNew for a version from the future, StoreDiffers for a table that is not
    what this version reads and writes.
    """
    paths = sorted(migrations.glob("*.sql"), key=migration_number)
    newest = newest_version(migrations)
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
    _mark(execute)


def schema_is_current(execute: Execute) -> bool:
    """Whether this very schema was made here, and no other version has been here since nor has a table changed."""
    tables, views = execute(_MARKS).fetchone() or ("", [])
    mark = f"{_fingerprint()} {tables}"
    return dict(views or ()) == dict.fromkeys(_views(), mark)


def _mark(execute: Execute) -> None:
    tables, _ = execute(_MARKS).fetchone() or ("", [])
    for view in _views():
        execute(f"COMMENT ON VIEW {view} IS '{_fingerprint()} {tables}'")


@cache
def _fingerprint() -> str:
    """Of all that makes a store what it is: the files, and the engine that reads them."""
    paths = sorted([*SCHEMA_FOLDER.glob("*.sql"), *MIGRATIONS_FOLDER.glob("*.sql")])
    said = [duckdb.__version__, *(f"{path.name} {path.read_text('utf-8')}" for path in paths)]
    return sha256("\0".join(said).encode()).hexdigest()[:32]


@cache
def _views() -> frozenset[str]:
    return frozenset(found[1] for text in _texts() for found in _VIEW.finditer(text))


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
    for kind in kinds:
        for text in _texts():
            if kind == next(words for words in _IN_ORDER if words in text):
                execute(text)


@cache
def _texts() -> tuple[str, ...]:
    return tuple(path.read_text("utf-8") for path in sorted(SCHEMA_FOLDER.glob("*.sql")))
