"""The store: one owner, whole transactions, a schema that only moves forward."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from controlsurface.errors import StoreError, StoreInUse, StoreTooNew, TooSlow
from controlsurface.store.duckdb import DuckStore, store_owner


def test_a_second_owner_of_a_store_is_refused_by_name_of_the_first(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    code = f"""
from pathlib import Path
from controlsurface.store.duckdb import DuckStore
DuckStore.open(Path({str(tmp_path)!r}))"""
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert f"in use by process {store_owner(tmp_path)}" in other.stderr
    store.close()
    assert store_owner(tmp_path) is None


def test_a_process_cannot_own_a_data_directory_twice(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    with pytest.raises(StoreInUse):
        DuckStore.open(tmp_path)
    store.close()


def test_a_transaction_with_an_exception_leaves_nothing(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    with suppress(ZeroDivisionError), store.writing() as writing:
        writing.execute("INSERT INTO journal_position VALUES (1, 2)")
        _ = 1 / 0
    assert store.state("SELECT * FROM journal_position").num_rows == 0
    store.close()


def test_stored_rows_survive_closing_and_opening(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    with store.writing() as writing:
        writing.attach("new", pa.table({"segment": [7], "offset": [9]}))
        writing.execute("INSERT INTO journal_position SELECT * FROM new")
    store.close()
    again = DuckStore.open(tmp_path)
    assert again.state("SELECT * FROM journal_position").to_pylist() == [{"segment": 7, "offset": 9}]
    again.close()


def test_a_query_that_takes_too_long_is_stopped_and_harms_no_other() -> None:
    store = DuckStore.in_memory()
    with pytest.raises(TooSlow):
        store.state("SELECT sum(random()) FROM range(100000000000)", timeout_s=0.2)
    assert store.state("SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_a_query_can_read_nothing_outside_the_database_file() -> None:
    with pytest.raises(Exception, match=r"external access|disabled|Permission"):
        DuckStore.in_memory().state("SELECT * FROM read_csv('/etc/passwd')")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "controlsurface.duckdb").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match=r"controlsurface\.duckdb"):
        DuckStore.open(tmp_path)
    assert store_owner(tmp_path) is None


def test_a_store_of_a_newer_version_is_refused_with_a_clear_message(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    with store.writing() as writing:
        writing.execute("INSERT INTO schema_version VALUES (999, now()::TIMESTAMP)")
    store.close()
    with pytest.raises(StoreTooNew, match=r"schema version 999.*upgrade"):
        DuckStore.open(tmp_path)


def test_an_older_store_gets_what_it_lacks_and_keeps_what_it_has(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path)
    with store.writing() as writing:
        writing.execute("INSERT INTO journal_position VALUES (1, 2)")
        writing.execute("DROP VIEW comparisons")
        writing.execute("DROP TABLE events")
        writing.execute("CREATE OR REPLACE MACRO trace_hex(t) AS 'of an older version'")
    store.close()
    again = DuckStore.open(tmp_path)
    assert again.state("SELECT * FROM journal_position").num_rows == 1
    assert again.state("SELECT * FROM comparisons, events").num_rows == 0
    assert again.state("SELECT trace_hex('a-b') AS hex").to_pylist() == [{"hex": "ab"}]
    again.close()


@pytest.mark.parametrize("limit", ["", "LIMIT 30000"])
def test_sorted_rows_come_sorted_however_many_they_are(limit: str) -> None:
    store = DuckStore.in_memory()
    with store.writing() as writing:
        writing.execute("CREATE TABLE numbers AS SELECT hash(i) AS x FROM range(200000) AS r(i)")
    ordered = f"SELECT x FROM numbers ORDER BY x {limit}"
    for _ in range(5):
        found = store.state(ordered)["x"].combine_chunks()
        assert pc.all(pc.less(found[:-1], found[1:])).as_py()
    store.close()
