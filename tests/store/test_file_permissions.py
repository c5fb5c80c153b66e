"""A data directory is for its owner alone: what is made, what was made before, and what is exported from it.

grafana/grafana 2126, 8283, 26313: a database that everybody can read, first for new installations, then for old ones.
nakama 428 and librefang 5420: the file, its write-ahead log and its folder.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest
import requests

from controlsurface.bench.otlp_bodies import body_template
from controlsurface.errors import StoreError
from controlsurface.store.duckdb import DuckStore, store_owner
from controlsurface.store.file_permissions import readable_by_others
from tests.launch import collector

BODY = body_template(4, 1_790_000_000_000_000_000, prompts=False).body(0)


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """The umask that leaves most open."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def modes(data: Path) -> dict[str, int]:
    return {str(path.relative_to(data)): S_IMODE(path.stat().st_mode) for path in [data, *data.rglob("*")]}


def test_all_files_of_a_collector_are_0600_and_all_folders_0700(tmp_path: Path) -> None:
    with collector(tmp_path) as server:
        headers = {"Content-Type": "application/x-protobuf"}
        assert requests.post(f"{server.ready['otlp_http']}/v1/traces", BODY, headers=headers, timeout=30).ok
        found = modes(tmp_path / "data")
        assert {"controlsurface.duckdb", "lock", "server.json", "journal"} < found.keys()
        assert any(name.startswith("journal/") for name in found)
        assert {oct(mode) for mode in found.values()} == {"0o700", "0o600"}
        assert server.stop() == 0
    assert not list(readable_by_others(tmp_path / "data"))


def test_an_older_data_directory_is_narrowed_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    (data / "journal").mkdir(parents=True, mode=0o755)
    for name in ("lock", "journal/0001.packed", "controlsurface.duckdb.wal.old"):
        (data / name).write_text("")
    DuckStore.open(data).close()
    DuckStore.open(data).close()
    assert not any(mode & 0o077 for mode in modes(data).values())
    assert [record.message for record in caplog.records if record.name == "store"] == [
        f"{data}: others could read 5 of its files and folders; now only their owner can"
    ]


def test_foreign_files_in_a_data_directory_keep_their_rights_and_so_does_the_directory(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "journal").symlink_to(tmp_path / "notes.txt")
    tmp_path.chmod(0o755)
    DuckStore.open(tmp_path).close()
    found = modes(tmp_path)
    assert (found["."], found["notes.txt"], found["controlsurface.duckdb"]) == (0o755, 0o666, 0o600)


def test_an_export_has_the_rights_that_the_umask_gives(tmp_path: Path) -> None:
    with closing(DuckStore.open(tmp_path / "data")):
        (tmp_path / "private").write_text("")
    os.umask(0o022)
    argv = [sys.executable, "-m", "controlsurface.cli", "export", "cost", "--week", "2026-W02", "--to", "out"]
    subprocess.run([*argv, "--data", str(tmp_path / "data")], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    assert {S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o644}


def test_a_store_that_cannot_be_opened_leaves_the_umask_as_it_was(tmp_path: Path) -> None:
    os.umask(0o022)
    (tmp_path / "controlsurface.duckdb").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError):
        DuckStore.open(tmp_path)
    assert os.umask(0o022) == 0o022
    assert store_owner(tmp_path) is None
