"""A schema that is there is not made again, and one that is copied is the one that the files make."""

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

from controlsurface.errors import StoreTooNew
from controlsurface.store import duckdb as store_module
from controlsurface.store.duckdb import STORE_FILE, DuckStore
from controlsurface.store.migrate import migrate
from controlsurface.store.schema_template import SchemaTemplate

OBJECTS = (
    "SELECT table_name, sql FROM duckdb_tables() WHERE NOT internal",
    "SELECT table_name, constraint_text FROM duckdb_constraints()",
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM duckdb_columns() WHERE NOT internal",
    "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal",
    "SELECT function_name, parameters, macro_definition FROM duckdb_functions() WHERE NOT internal",
    "SELECT sequence_name, start_value, increment_by, last_value FROM duckdb_sequences()",
    "SELECT index_name, sql FROM duckdb_indexes()",
    "SELECT version FROM schema_version",
)


def objects(connection: duckdb.DuckDBPyConnection) -> list[list[str]]:
    """All that a database is made of."""
    return [sorted(repr(row) for row in connection.execute(sql).fetchall()) for sql in OBJECTS]


def made_of_files() -> list[list[str]]:
    with duckdb.connect(":memory:") as connection:
        migrate(connection.execute, None)
        return objects(connection)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a store of this version."""
    DuckStore.open(tmp_path).close()
    return tmp_path / STORE_FILE


def changed(file: Path, *statements: str) -> Path:
    with duckdb.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    return file.parent


def reopened(data: Path) -> list[list[str]]:
    """What a store consists of once it was opened."""
    DuckStore.open(data).close()
    with duckdb.connect(data / STORE_FILE) as connection:
        return objects(connection)


@pytest.mark.parametrize("database", [":memory:", "x'y.duckdb"])
def test_every_store_of_a_process_has_the_schema_that_the_files_make(tmp_path: Path, database: str) -> None:
    template, wanted = SchemaTemplate(), made_of_files()
    for number in range(4):
        with duckdb.connect(database if database == ":memory:" else tmp_path / f"{number}{database}") as connection:
            template.make(connection)
            assert objects(connection) == wanted
            assert connection.execute("SELECT count(*) FROM duckdb_databases() WHERE NOT internal").fetchall() == [(1,)]


def test_a_store_is_made_where_no_temporary_file_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = SchemaTemplate()
    for folder in (None, tmp_path / "none", None, tmp_path / "none"):
        monkeypatch.setattr(tempfile, "tempdir", folder and str(folder))
        with duckdb.connect(":memory:") as connection:
            template.make(connection)
            assert objects(connection) == made_of_files()


def test_a_store_of_a_copied_schema_reads_no_file_and_lets_no_setting_change(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for store in [DuckStore.in_memory() for _ in range(3)]:
        with pytest.raises(duckdb.PermissionException, match="disabled by configuration"):
            store.state(f"FROM read_csv('{tmp_path}/secret.csv')")
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            store.state("SET enable_external_access = true")
        store.close()


def test_a_store_of_this_version_is_opened_without_making_its_schema_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the schema is made again")

    monkeypatch.setattr(store_module, "migrate", refuse)
    DuckStore.open(file.parent).close()


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE OR REPLACE VIEW scores AS SELECT 1 AS one"],
        ["DROP VIEW scores"],
        ["DROP TABLE saved_views"],
        ["ALTER TABLE attempts DROP COLUMN cache_saving_usd"],
        # What a version does that knows nothing of the fingerprint: it makes its own macros, and its own views.
        [
            "CREATE OR REPLACE MACRO to_flag(x) AS NULL",
            "CREATE OR REPLACE VIEW who_changed_what AS SELECT 1 AS one",
        ],
    ],
)
def test_a_store_that_another_version_has_opened_gets_the_schema_of_this_one(file: Path, statements: list[str]) -> None:
    # An added column stands last, so that texts of tables may differ, and with them the comments of views.
    tables, *others = made_of_files()
    tables_now, *others_now = reopened(changed(file, *statements))
    assert (len(tables_now), others_now) == (len(tables), others)


def test_a_store_of_a_version_from_the_future_is_refused_though_all_else_is_ours(file: Path) -> None:
    data = changed(file, "INSERT INTO schema_version VALUES (999, now()::TIMESTAMP)")
    with pytest.raises(StoreTooNew, match="schema version 999"):
        DuckStore.open(data)
