"""What people did survives a store that cannot be opened: the error says how, and following it brings all back.

grafana/grafana and home-assistant users lose dashboards and history by the advice to move a damaged SQLite file away;
distillery 73 has the write-ahead log that cannot be replayed.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from controlsurface.cli import run_command
from controlsurface.errors import BadBody, NotFound, StoreDiffers, StoreError, StoreInUse
from controlsurface.store.duckdb import STORE_FILE, DuckStore
from controlsurface.store.retention_terms import PEOPLE_REASON, PERMANENT_TABLES
from controlsurface.store.store_salvage import SALVAGED_TABLE_KEYS

AT = "TIMESTAMP '2026-01-09 12:00:00'"
ROWS = {
    "audit_labels": f"VALUES ('i1', 'ann', 1, 'shadow', 'production', 'better', {AT}, 'desk')",
    "policies": f"VALUES (1, 'p1', {AT}, 'ann', 'cheaper', NULL, '{{}}', '{{}}')",
    "sampling_plans": f"VALUES (1, {AT}, 'ann', '{{}}')",
    "silences": f"VALUES ('s1', [{{'name': 'a', 'value': 'b', 'is_regex': false, 'is_equal': true}}], {AT}, {AT}, "
    f"'ann', 'deploy', {AT})",
    "events": f"VALUES ({AT}, 'deploy', 'v2', NULL, 'ann')",
    "drift_accepts": f"VALUES ('Drift', '{{}}', {AT}, 'ann', NULL, NULL)",
    "alert_history": f"VALUES ({AT}, 'High', '{{}}', NULL, 'firing', 0.5, 10, NULL)",
    "weekly_exports": f"VALUES ('2026-W02', 'team', 1, {AT}, 'ab', '{{}}', NULL)",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory in which people have done one thing of each kind."""
    with closing(DuckStore.open(tmp_path / "data")) as store, store.writing() as writing:
        for table, row in ROWS.items():
            writing.execute(f"INSERT INTO {table} {row}")
    return tmp_path / "data"


def differs(file: Path) -> None:
    with duckdb.connect(file) as connection:
        connection.execute("ALTER TABLE requests ALTER COLUMN attempts TYPE VARCHAR")


def log_damaged(file: Path) -> None:
    """As a crash leaves a log, and then a disk turns some bytes of it."""
    code = f"""
import os
from pathlib import Path
from controlsurface.store.duckdb import DuckStore
with DuckStore.open(Path({str(file.parent)!r})).writing() as writing:
    for i in range(50):
        writing.execute("INSERT INTO events VALUES (now()::TIMESTAMP, 'deploy', ?, NULL, 'ann')", [str(i)])
os._exit(0)"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    log = file.with_name(f"{STORE_FILE}.wal")
    content = bytearray(log.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 64):
        content[place] ^= 0xFF
    log.write_bytes(content)


def moved_away(data: Path) -> Path:
    """As the error says: mkdir old; mv controlsurface.duckdb* old/."""
    old = data / "old"
    old.mkdir()
    for path in list(data.glob("controlsurface.duckdb*")):
        shutil.move(path, old)
    return old / STORE_FILE


def brought(old: Path, data: Path, capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, Any]:
    assert run_command(["import", "--from-store", str(old), "--data", str(data), "--json"]) == code
    return {row.pop("table"): row for row in json.loads(capsys.readouterr().out)}


def counts(data: Path) -> dict[str, int]:
    with closing(DuckStore.open(data)) as store:
        return {table: store.state(f"FROM {table}").num_rows for table in ROWS}


@pytest.mark.parametrize("spoil", [differs, log_damaged], ids=lambda each: each.__name__)
def test_user_data_comes_back_by_doing_what_the_error_says(
    data: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(data / STORE_FILE)
    with pytest.raises(StoreError, match="controlsurface import --from-store old/") as error:
        DuckStore.open(data)
    assert str(error.value).startswith(f"{data / STORE_FILE}: ")
    assert "older ones and their roll-ups are lost" in str(error.value)
    old = moved_away(data)
    first, again = brought(old, data, capsys), brought(old, data, capsys)
    assert {table: row["brought"] for table, row in first.items() if row["rows"]} == dict.fromkeys(ROWS, 1)
    assert {table: row["known"] for table, row in again.items() if row["rows"]} == dict.fromkeys(ROWS, 1)
    assert counts(data) == dict.fromkeys(ROWS, 1)


def test_the_error_names_the_file_where_tables_differ(data: Path) -> None:
    differs(data / STORE_FILE)
    with pytest.raises(StoreDiffers, match="column attempts of table requests is VARCHAR"):
        DuckStore.open(data)


def test_a_table_that_does_not_fit_harms_no_other(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect(data / STORE_FILE) as connection:
        connection.execute("ALTER TABLE policies DROP COLUMN who")
        connection.execute("ALTER TABLE events DROP COLUMN detail")
        connection.execute("DROP TABLE drift_accepts")
    found = brought(moved_away(data), data, capsys, BadBody.exit_code)
    assert "NOT NULL" in found["policies"]["problem"]
    assert found["drift_accepts"]["rows"] == 0
    assert found["events"]["brought"] == found["audit_labels"]["brought"] == 1


def test_a_store_file_of_which_nothing_can_be_read_is_said_to_be_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.duckdb").write_bytes(b"not a database" * 1000)
    assert run_command(["import", "--from-store", str(tmp_path / "old.duckdb"), "--data", str(tmp_path / "new")]) == 3
    assert "old.duckdb: nothing of it can be read" in capsys.readouterr().err
    assert (
        run_command(["import", "--from-store", str(tmp_path / "no"), "--data", str(tmp_path / "new")])
        == NotFound.exit_code
    )


def test_a_store_that_is_in_use_is_not_written_to(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = moved_away(data)
    with closing(DuckStore.open(data)):
        code = run_command(["import", "--from-store", str(old), "--data", str(data)])
    assert code == StoreInUse.exit_code
    assert "in use by process" in capsys.readouterr().err


def test_files_and_a_store_are_not_imported_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["import", "--data", str(tmp_path)]) == 2
    assert "name files, or a store with --from-store" in capsys.readouterr().err


def test_every_table_of_user_data_is_salvaged() -> None:
    assert {
        table for table, reason in PERMANENT_TABLES.items() if reason == PEOPLE_REASON
    } <= SALVAGED_TABLE_KEYS.keys()
