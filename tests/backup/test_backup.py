"""Backups: made while the server goes on, cut off anywhere, damaged, thinned out; and brought back equal."""

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest
import requests
from pyarrow import fs

from controlsurface.backup import chunks
from controlsurface.backup.backup_manifest import BackupManifest, backup_ids, find_manifest, manifest_name
from controlsurface.backup.backup_run import create_backup, prune_backups
from controlsurface.backup.restore_run import restore_backup, verify_backups
from controlsurface.bench.otlp_bodies import first_trace_id
from controlsurface.blob_store import BlobStore, BucketBlobs, FolderBlobs, open_blobs
from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.client.queries.snapshots.snapshot_order import TakeSnapshot
from controlsurface.errors import BadRequest, Conflict, NotFound, StoreError
from controlsurface.store.duckdb import STORE_FILE, DuckStore
from tests.ingest.receivers.test_kill9 import BODY, _http, figures, stored_traces
from tests.launch import collector, until
from tests.seed import NOW, seed


class CutOff(Exception):
    """As if the process had been killed there."""


class CutBlobs(FolderBlobs):
    """A place that is cut off before the n-th read or write."""

    def __init__(self, folder: Path, left: int) -> None:
        super().__init__(folder)
        self.left = left

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise CutOff

    def write(self, name: str, content: bytes) -> None:
        self._count()
        super().write(name, content)

    def read(self, name: str) -> bytes:
        self._count()
        return super().read(name)


def no_progress(_: int) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with traffic and a rule."""
    data = tmp_path_factory.mktemp("seeded") / "data"
    with closing(DuckStore.open(data)) as store:
        seed(store, n=3_000, end=NOW)
    (data / "alerts").mkdir()
    (data / "alerts" / "own.yaml").write_text("groups: []\n")
    return data


@pytest.fixture
def data(seeded: Path, tmp_path: Path) -> Path:
    """A copy of its own."""
    return Path(shutil.copytree(seeded, tmp_path / "data"))


@contextmanager
def client_of(data: Path) -> Iterator[LocalClient]:
    with closing(LocalClient(DuckStore.open(data))) as client:
        yield client


def backed_up(data: Path, place: FolderBlobs) -> BackupManifest:
    with client_of(data) as client:
        return create_backup(data, client, place)[0]


def tables(file: Path) -> dict[str, list[str]]:
    """Every row of every table, as text and in order."""
    with closing(duckdb.connect(str(file), read_only=True)) as connection:
        named = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: sorted(map(repr, connection.execute(f'FROM "{name}"').fetchall())) for name in named}


def files(data: Path) -> dict[str, bytes]:
    """Everything but the database and its lock."""
    found = {each.relative_to(data).as_posix(): each for each in data.rglob("*") if each.is_file()}
    return {name: each.read_bytes() for name, each in found.items() if name not in {STORE_FILE, "lock"}}


def test_a_restored_directory_has_every_row_and_every_rule_of_the_one_that_was_backed_up(
    data: Path, tmp_path: Path
) -> None:
    blobs = FolderBlobs(tmp_path / "backups")
    manifest = backed_up(data, blobs)
    restore_backup(blobs, manifest, tmp_path / "again", no_progress)
    assert tables(tmp_path / "again" / STORE_FILE) == tables(data / STORE_FILE)
    assert files(tmp_path / "again") == files(data)
    assert not (data / "snapshot").exists()
    wide = [each for each in (tmp_path / "again").rglob("*") if each.stat().st_mode & 0o077]
    assert wide == []


def test_a_second_backup_writes_only_the_pieces_that_changed(data: Path, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "backups")
    with client_of(data) as client:
        first = create_backup(data, client, blobs)[1]
        client.write([("INSERT INTO events VALUES (now(), 'deploy', 'router 2', NULL, 'ci')", {})])
        manifest, second = create_backup(data, client, blobs)
    assert first.written_bytes > 100_000
    assert 0 < second.written < first.written
    restore_backup(blobs, manifest, tmp_path / "again", no_progress)
    assert "router 2" in "".join(tables(tmp_path / "again" / STORE_FILE)["events"])


def test_a_backup_under_load_holds_all_that_was_answered_before_it_and_nothing_twice(tmp_path: Path) -> None:
    answered: list[int] = []
    done = threading.Event()
    with collector(tmp_path) as server:

        def send() -> None:
            while not done.is_set():
                if _http(server, BODY.body(len(answered))):
                    answered.append(len(answered))

        sender = threading.Thread(target=send)
        sender.start()
        try:
            until(lambda: len(answered) > 20)
            before = list(answered)
            blobs = FolderBlobs(tmp_path / "backups")
            manifest, _ = create_backup(tmp_path / "data", server.reader(), blobs)
            assert server.reader().health() == ()
        finally:
            done.set()
            sender.join()
    restore_backup(blobs, manifest, tmp_path / "elsewhere" / "data", no_progress)
    with collector(tmp_path / "elsewhere") as server:
        n = figures(server.reader())[0]
        kept = stored_traces(server.reader())
    assert {first_trace_id(number) for number in before} <= set(kept)
    assert len(kept) == len(set(kept)) == n


def test_a_restored_server_has_the_rules_silences_and_alerts_of_before(tmp_path: Path) -> None:
    rule = {"rule": {"metric": "escalation_rate", "over": "1h", "above": 0.2}, "who": "ann", "why": "asked for"}
    silence = {
        "matchers": [{"name": "alertname", "value": "Many", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "ann",
        "comment": "known",
    }
    blobs = FolderBlobs(tmp_path / "backups")
    with collector(tmp_path) as server:
        api = server.ready["api"]
        assert requests.post(f"{api}/api/v1/silences", json=silence, timeout=10).ok
        made = requests.put(f"{api}/api/v1/rules/Many", json=rule, headers={"If-None-Match": "*"}, timeout=10)
        assert made.ok, made.text
        told = [requests.get(f"{api}/api/v1/{each}", timeout=10).json() for each in ("silences", "events")]
        definition = requests.get(f"{api}/api/v1/rules/Many", timeout=10).json()["definition"]
        manifest, _ = create_backup(tmp_path / "data", server.reader(), blobs)
    restore_backup(blobs, manifest, tmp_path / "elsewhere" / "data", no_progress)
    with collector(tmp_path / "elsewhere") as server:
        api = server.ready["api"]
        assert [requests.get(f"{api}/api/v1/{each}", timeout=10).json() for each in ("silences", "events")] == told
        assert requests.get(f"{api}/api/v1/rules/Many", timeout=10).json()["definition"] == definition


@pytest.mark.parametrize("kind", ["backup", "restore"])
def test_what_is_cut_off_anywhere_leaves_nothing_half_done_and_the_next_try_succeeds(
    data: Path, tmp_path: Path, kind: str
) -> None:
    place, again = tmp_path / "backups", tmp_path / "again"
    whole = backed_up(data, FolderBlobs(place)) if kind == "restore" else None

    def cut(blobs: CutBlobs) -> None:
        restore_backup(blobs, whole, again, no_progress) if whole else backed_up(data, blobs)

    for after in range(3):
        with pytest.raises(CutOff):
            cut(CutBlobs(place, after))
        assert not again.exists()
        assert len(backup_ids(FolderBlobs(place))) == (1 if whole else 0)
    whole = whole or backed_up(data, FolderBlobs(place))
    restore_backup(FolderBlobs(place), whole, again, no_progress)
    assert tables(again / STORE_FILE) == tables(data / STORE_FILE)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["again", "backups", "data"]


@pytest.mark.slow
@pytest.mark.no_cover
def test_kills_of_backups_and_restores_lose_nothing(data: Path, tmp_path: Path) -> None:
    dice, place, again = random.Random(3), tmp_path / "backups", tmp_path / "again"
    command = [sys.executable, "-m", "controlsurface.cli"]

    def killed(*arguments: str) -> None:
        with subprocess.Popen([*command, *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            time.sleep(dice.uniform(0.3, 1.2))
            process.send_signal(signal.SIGKILL)

    for _ in range(3):
        killed("backup", str(place), "--data", str(data))
    with client_of(data) as client:
        manifest, _ = create_backup(data, client, FolderBlobs(place))
    for _ in range(3):
        killed("restore", str(place), "--data", str(again))
        shutil.rmtree(again, ignore_errors=True)
    restore_backup(FolderBlobs(place), manifest, again, no_progress)
    assert tables(again / STORE_FILE) == tables(data / STORE_FILE)
    assert verify_backups(FolderBlobs(place), manifest, no_progress) == []


def test_a_damaged_or_missing_piece_is_named_and_nothing_is_restored(data: Path, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "backups")
    old = backed_up(data, blobs)
    manifest = backed_up(data, blobs)
    chunk = chunks.chunk_name(manifest.files[0].chunks[0])
    piece = tmp_path / "backups" / chunk
    sound = piece.read_bytes()
    for damaged in (sound[:-1], sound[: len(sound) // 2] + b"\xff" + sound[len(sound) // 2 + 1 :], b"", None):
        piece.unlink() if damaged is None else piece.write_bytes(damaged)
        with pytest.raises((StoreError, NotFound), match=piece.name):
            restore_backup(blobs, manifest, tmp_path / "again", no_progress)
        assert not (tmp_path / "again").exists()
        found = verify_backups(blobs, manifest, no_progress)
        assert [each.partition(":")[0] for each in found] == [manifest.id, old.id]


def test_a_manifest_that_is_cut_or_leads_out_of_the_directory_is_refused(data: Path, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "backups")
    manifest = backed_up(data, blobs)
    outside = manifest.model_copy(
        update={"files": (*manifest.files, manifest.files[0].model_copy(update={"path": "../outside"}))}
    )
    with pytest.raises(StoreError, match="outside"):
        restore_backup(blobs, outside, tmp_path / "again", no_progress)
    text = blobs.read(manifest_name(manifest.id))
    blobs.write(manifest_name(manifest.id), text[: len(text) // 2])
    with pytest.raises(StoreError, match=manifest.id):
        find_manifest(blobs, None)


def test_old_backups_go_with_what_only_they_needed(data: Path, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "backups")
    made = []
    with client_of(data) as client:
        for number in range(3):
            client.write([(f"INSERT INTO events VALUES (now(), 'deploy', 'v{number}', NULL, 'ci')", {})])
            made.append(create_backup(data, client, blobs)[0])
    assert prune_backups(blobs, 1) == [each.id for each in made[:2]]
    assert backup_ids(blobs) == [made[2].id]
    assert blobs.names("chunks") == {chunks.chunk_name(each) for each in made[2].chunks}
    assert verify_backups(blobs, made[2], no_progress) == []
    with pytest.raises(NotFound, match=made[2].id):
        find_manifest(blobs, made[0].id)


def test_a_directory_with_something_in_it_is_not_restored_into(data: Path, tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "backups")
    manifest = backed_up(data, blobs)
    before = files(data)
    with pytest.raises(StoreError, match="is not empty"):
        restore_backup(blobs, manifest, data, no_progress)
    assert files(data) == before


def test_a_database_is_copied_once_at_a_time_and_one_in_memory_never(data: Path) -> None:
    with client_of(data) as client:
        client.execute(TakeSnapshot())
        with pytest.raises(Conflict):
            client.execute(TakeSnapshot())
        taker = client.snapshots
        assert taker is not None
        until(lambda: taker.state and taker.state.finished_at)
    with closing(LocalClient(DuckStore.in_memory())) as client, pytest.raises(BadRequest):
        client.execute(TakeSnapshot())


def test_a_segment_that_is_compressed_while_it_is_backed_up_is_there_all_the_same(data: Path, tmp_path: Path) -> None:
    folder = data / "journal"
    folder.mkdir(exist_ok=True)
    (folder / "0000000000000001.journal").write_bytes(b"one")
    (folder / "0000000000000002.journal").write_bytes(b"two")

    class Compressing(FolderBlobs):
        def write(self, name: str, content: bytes) -> None:
            super().write(name, content)
            if content[chunks._HEAD_BYTES :] == chunks._CODEC.compress(b"one", asbytes=True):
                (folder / "0000000000000002.journal").replace(folder / "0000000000000002.3.journal.zst")

    manifest = backed_up(data, Compressing(tmp_path / "backups"))
    named = [each.path for each in manifest.files if each.path.startswith("journal/")]
    assert named == ["journal/0000000000000001.journal", "journal/0000000000000002.3.journal.zst"]


def test_the_commands_back_up_list_verify_and_restore(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, again = str(tmp_path / "backups"), tmp_path / "again"
    assert run_command(["backup", place, "--data", str(data), "--keep", "2"]) == 0
    assert run_command(["backup", place, "--list"]) == 0
    assert run_command(["verify", place]) == 0
    assert run_command(["restore", place, "--data", str(again)]) == 0
    assert tables(again / STORE_FILE) == tables(data / STORE_FILE)
    assert "was restored and is equal" in capsys.readouterr().err
    assert run_command(["restore", place, "--data", str(again)]) == 3
    assert run_command(["verify", str(tmp_path / "nowhere")]) == 4
    assert run_command(["backup", "ftp://host/x", "--data", str(data)]) == 2
    assert "s3://" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_place_has_what_was_put_there_and_says_what_is_missing(tmp_path: Path, kind: str) -> None:
    (tmp_path / "chunks").mkdir()  # which a bucket needs not
    bucket = BucketBlobs(fs.LocalFileSystem(), str(tmp_path))
    place: BlobStore = FolderBlobs(tmp_path) if kind == "folder" else bucket
    assert place.names("chunks") == place.names("backups") == set()
    place.write("chunks/a", b"1")
    place.write("chunks/a", b"22")
    place.write("chunks/b.gz", b"no gzip")  # whatever the name says
    assert (place.read("chunks/a"), place.read("chunks/b.gz")) == (b"22", b"no gzip")
    assert place.names("chunks") == {"chunks/a", "chunks/b.gz"}
    place.delete("chunks/a")
    place.delete("chunks/a")
    assert place.names("chunks") == {"chunks/b.gz"}
    with pytest.raises(NotFound, match=r"chunks/a: is missing"):
        place.read("chunks/a")


def test_an_address_of_a_bucket_may_name_its_server(tmp_path: Path) -> None:
    found = open_blobs("s3://bucket/folder?endpoint_override=127.0.0.1:9&scheme=http&region=eu-1")
    assert str(found) == "s3://bucket/folder"
    with pytest.raises(BadRequest, match="endpoint_overide"):
        open_blobs("s3://bucket/folder?endpoint_overide=127.0.0.1:9")
