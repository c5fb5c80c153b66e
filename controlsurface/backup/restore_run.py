"""Bring a backup back into a directory, and prove that one could be brought back."""

import shutil
import tempfile
from pathlib import Path, PurePosixPath

from controlsurface.backup.backup_manifest import BackupManifest, TableTotals, backup_ids, read_manifest
from controlsurface.backup.chunks import Progress, load_file, read_chunk
from controlsurface.blob_store import BlobStore
from controlsurface.errors import ControlSurfaceError, StoreError
from controlsurface.ingest.journal.segment_file import sync_folder
from controlsurface.store.duckdb import STORE_FILE
from controlsurface.store.snapshot import table_totals

_DRAFT_SUFFIX = ".restoring"


def restore_backup(blobs: BlobStore, manifest: BackupManifest, data: Path, progress: Progress) -> None:
    """The data directory as it was. It appears when it is whole and equal: cut off before, there is none.

    Raises StoreError where something is in the directory, or what comes back is not what was put there; NotFound.
    """
    if data.exists() and any(data.iterdir()):
        raise StoreError(f"{data}: is not empty; --data names a directory that is, or that is not there yet")
    data.parent.mkdir(parents=True, exist_ok=True)
    draft = data.with_name(data.name + _DRAFT_SUFFIX)
    shutil.rmtree(draft, ignore_errors=True)  # of a restore that was cut off
    try:
        _write(blobs, manifest, draft, progress)
        _compare(manifest.tables, table_totals(draft / STORE_FILE), str(blobs))
        draft.replace(data)
        sync_folder(data.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(blobs: BlobStore, manifest: BackupManifest, draft: Path, progress: Progress) -> None:
    draft.mkdir(mode=0o700)
    for each in manifest.files:
        place = PurePosixPath(each.path)
        if place.is_absolute() or ".." in place.parts:
            raise StoreError(f"{blobs}: backup {manifest.id}: {each.path}: lies outside of the data directory")
        path = draft / place
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        load_file(blobs, each, path, progress)
    for folder in (draft, *(each for each in draft.rglob("*") if each.is_dir())):
        sync_folder(folder)


def _compare(known: TableTotals, found: TableTotals, place: str) -> None:
    """Raises StoreError naming the first table that came back otherwise."""
    for table in sorted(known.keys() | found.keys()):
        before, after = known.get(table), found.get(table)
        if before != after:
            raise StoreError(f"{place}: table {table} was {before} and came back as {after}")


def verify_backups(blobs: BlobStore, manifest: BackupManifest, progress: Progress) -> list[str]:
    """Restore a backup for a trial, and read every piece that others need; what is wrong, by backup."""
    problems, sound = [], set()
    with tempfile.TemporaryDirectory(prefix="controlsurface-verify-") as folder:
        try:
            restore_backup(blobs, manifest, Path(folder) / "data", progress)
            sound = manifest.chunks
        except ControlSurfaceError as problem:
            problems.append(f"{manifest.id}: {problem}")
    broken: dict[str, str] = {}
    for backup in backup_ids(blobs):
        if backup == manifest.id:
            continue
        try:
            needed = read_manifest(blobs, backup).chunks
        except ControlSurfaceError as problem:
            problems.append(f"{backup}: {problem}")
            continue
        for chunk in needed - sound - broken.keys():
            try:
                read_chunk(blobs, chunk)
            except ControlSurfaceError as problem:
                broken[chunk] = str(problem)
        sound |= needed - broken.keys()
        problems += [f"{backup}: {broken[chunk]}" for chunk in sorted(needed & broken.keys())]
    return problems
