"""Make a backup of a data directory, whoever has it, and drop those that are older than the last few."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import controlsurface as package
from controlsurface.backup.backup_manifest import (
    BACKUPS_FOLDER,
    FORMAT,
    BackupManifest,
    FilePieces,
    backup_ids,
    manifest_name,
    read_manifest,
)
from controlsurface.backup.chunks import CHUNKS_FOLDER, ChunkWriter, Progress, chunk_name
from controlsurface.blob_store import BlobStore
from controlsurface.client import Client
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.snapshots.snapshot_order import RemoveSnapshot, SnapshotQuery, TakeSnapshot
from controlsurface.config.rule_folders import RULES_FOLDER
from controlsurface.errors import StoreError
from controlsurface.ingest.journal.segment_file import JOURNAL_FOLDER
from controlsurface.store.duckdb import STORE_FILE
from controlsurface.store.snapshot import table_totals

POLL_S = 0.1
DATED_ID = "%Y%m%dT%H%M%S.%fZ"

ProgressMeter = Callable[[int], AbstractContextManager[Progress]]


@contextmanager
def no_meter(_: int) -> Iterator[Progress]:
    """Nobody looks."""
    yield lambda _: None


def create_backup(
    data: Path, client: Client, blobs: BlobStore, meter: ProgressMeter = no_meter
) -> tuple[BackupManifest, ChunkWriter]:
    """A backup of all that was accepted before: the database as it is now, and the journal, also of what came since.

    `meter` is told how many bytes there are. The manifest comes last, so a backup that is cut off is none, and the
    next one finds its pieces there. Raises Conflict while another one copies the database, StoreError.
    """
    made_at = datetime.now(UTC)
    folder = _snapshot(client)
    try:
        tables = table_totals(folder / STORE_FILE)
        writer = ChunkWriter(blobs)
        with meter(_size([*folder.iterdir(), *_journal_files(data), *_rule_files(data)])) as progress:
            files = [writer.save(each, each.name, progress) for each in sorted(folder.iterdir())]
            files += [*_journal(data, writer, progress), *_rules(data, writer, progress)]
    except FileNotFoundError as problem:
        raise StoreError(f"{problem.filename}: is gone: the server was started again; ask again") from None
    finally:
        client.execute(RemoveSnapshot())
    manifest = BackupManifest(
        format=FORMAT,
        id=made_at.strftime(DATED_ID),
        made_at=made_at,
        version=package.__version__,
        files=tuple(files),
        tables=tables,
    )
    blobs.write(manifest_name(manifest.id), manifest.model_dump_json(indent=1).encode())
    return manifest, writer


def _size(files: Iterable[Path]) -> int:
    return sum(each.stat().st_size for each in files)


def _snapshot(client: Client) -> Path:
    """Where a copy of the database lies, once it is made. Raises Conflict, StoreError."""
    state: Mapping[str, Any] = client.execute(TakeSnapshot())
    while not state["finished_at"]:
        time.sleep(POLL_S)
        (state,) = as_dicts(client.run(SnapshotQuery()).rows)
    if state["problem"]:
        raise StoreError(state["problem"])
    return Path(state["folder"])


def _journal_files(data: Path) -> list[Path]:
    return [each for each in sorted((data / JOURNAL_FOLDER).glob("*.journal*")) if not each.name.endswith(".tmp")]


def _journal(data: Path, writer: ChunkWriter, progress: Progress) -> Iterator[FilePieces]:
    """Every segment; those that are compressed or dropped while we read are looked for again under their new name."""
    saved: set[str] = set()
    while left := [each for each in _journal_files(data) if each.name not in saved]:
        for path in left:
            saved.add(path.name)
            try:
                yield writer.save(path, f"{JOURNAL_FOLDER}/{path.name}", progress)
            except FileNotFoundError:
                continue


def _rule_files(data: Path) -> list[Path]:
    return [each for each in sorted((data / RULES_FOLDER).rglob("*")) if each.is_file() and each.name[0] != "."]


def _rules(data: Path, writer: ChunkWriter, progress: Progress) -> Iterator[FilePieces]:
    for path in _rule_files(data):
        yield writer.save(path, path.relative_to(data).as_posix(), progress)


def prune_backups(blobs: BlobStore, keep: int) -> list[str]:
    """Remove all but the newest `keep` backups, and the pieces that none of these needs; the ids that went."""
    known = backup_ids(blobs)
    gone, kept = known[:-keep], known[-keep:]
    if not gone:
        return []
    needed = {chunk_name(chunk) for backup in kept for chunk in read_manifest(blobs, backup).chunks}
    for backup in gone:
        blobs.delete(f"{BACKUPS_FOLDER}/{backup}.json")
    for name in sorted(blobs.names(CHUNKS_FOLDER) - needed):
        blobs.delete(name)
    return gone
