"""A file of another build gets what it lacks, or is refused with the name of what is in the way."""

from pathlib import Path

import duckdb
import pytest

from controlsurface.cli import run_command
from controlsurface.errors import StoreDiffers
from controlsurface.store.duckdb import STORE_FILE, DuckStore
from controlsurface.store.migrate import TableColumn, migrate, missing_column_statements
from tests.stores import put

BIGINT = TableColumn("BIGINT", nullable=True, default="")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a store with one request."""
    store = DuckStore.open(tmp_path)
    put(store, [{"request_id": "kept", "tenant": "acme"}])
    store.close()
    return tmp_path / STORE_FILE


def altered(file: Path, *statements: str) -> Path:
    with duckdb.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    return file.parent


def test_columns_that_an_older_build_did_not_have_are_added_and_unknown(file: Path) -> None:
    drop = ("ALTER TABLE requests DROP COLUMN tenant", "ALTER TABLE attempts DROP COLUMN cache_saving_usd")
    store = DuckStore.open(altered(file, "DROP VIEW scores", "DROP VIEW comparisons", *drop))
    assert store.state("SELECT request_id, tenant FROM requests").to_pylist() == [
        {"request_id": "kept", "tenant": None}
    ]
    assert store.state("SELECT cache_saving_usd FROM attempts").num_rows == 0
    assert store.state("SELECT tenant FROM scores").num_rows == 0
    store.close()


def test_a_column_that_may_be_unknown_by_now_takes_null(file: Path) -> None:
    store = DuckStore.open(altered(file, "ALTER TABLE requests ALTER COLUMN tenant SET NOT NULL"))
    put(store, [{"request_id": "new", "tenant": None}])
    store.close()


def test_columns_of_a_later_build_are_left_alone_where_they_may_be_empty(file: Path) -> None:
    store = DuckStore.open(altered(file, "ALTER TABLE requests ADD COLUMN mood VARCHAR"))
    put(store, [{"request_id": "new"}])
    assert store.state("FROM requests").num_rows == 2
    store.close()


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["ALTER TABLE requests DROP COLUMN failed"], "table requests lacks column failed"),
        (["ALTER TABLE requests ALTER COLUMN attempts TYPE VARCHAR"], "column attempts of table requests is VARCHAR"),
        (
            ["ALTER TABLE events ADD COLUMN mood VARCHAR", "ALTER TABLE events ALTER COLUMN mood SET NOT NULL"],
            "table events wants a column mood",
        ),
    ],
)
def test_a_column_that_cannot_be_added_is_refused_by_name_and_nothing_is_changed(
    file: Path, statements: list[str], problem: str
) -> None:
    data = altered(
        file, "DROP VIEW scores", "DROP VIEW comparisons", "ALTER TABLE requests DROP COLUMN job", *statements
    )
    with pytest.raises(StoreDiffers, match=f"{problem}.*move the file away"):
        DuckStore.open(data)
    with duckdb.connect(file) as connection:
        assert "job" not in [row[0] for row in connection.execute("DESCRIBE requests").fetchall()]


def test_a_command_says_in_a_sentence_that_the_store_differs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    altered(file, "DROP VIEW scores", "ALTER TABLE requests DROP COLUMN failed")
    assert run_command(["query", "requests", "--data", str(file.parent)]) == StoreDiffers.exit_code
    assert f"controlsurface: error: {file}: table requests lacks column failed" in capsys.readouterr().err


def test_a_column_with_a_default_is_added_with_it() -> None:
    known, wanted = {("t", "a"): BIGINT}, {("t", "a"): BIGINT, ("t", "b"): TableColumn("INTEGER", False, "1")}
    assert [*missing_column_statements(known, wanted)] == ['ALTER TABLE t ADD COLUMN "b" INTEGER DEFAULT 1']


def test_migrations_are_run_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("0010_later", "0002_first", "0003_next"):
        (tmp_path / f"{name}.sql").write_text(f"INSERT INTO ran VALUES ('{name}')")
    with duckdb.connect(":memory:") as connection:
        migrate(connection.execute, None)
        connection.execute("CREATE TABLE ran (name VARCHAR)")
        migrate(connection.execute, 2, tmp_path)
        migrate(connection.execute, 10, tmp_path)
        assert connection.execute("FROM ran").fetchall() == [("0003_next",), ("0010_later",)]
        assert connection.execute("SELECT max(version) FROM schema_version").fetchall() == [(10,)]
