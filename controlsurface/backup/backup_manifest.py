"""What one backup consists of: its files in pieces, and what the tables of its database come to."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from controlsurface.blob_store import BlobStore
from controlsurface.errors import NotFound, StoreError

BACKUPS_FOLDER = "backups"
FORMAT: Literal[1] = 1

TableTotals = dict[str, dict[str, str]]  # by table: rows, and sums of its columns of whole and exact numbers


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FilePieces(_Described):
    """A file by its place in the data directory, its size in bytes, and the ids of its pieces in order."""

    path: str
    size: int
    chunks: tuple[str, ...]


class BackupManifest(_Described):
    """A backup. It is written last: without it there is none."""

    format: Literal[1]
    id: str
    made_at: datetime
    version: str
    files: tuple[FilePieces, ...]
    tables: TableTotals

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files)

    @property
    def chunks(self) -> set[str]:
        """All pieces."""
        return {chunk for each in self.files for chunk in each.chunks}


def manifest_name(backup: str) -> str:
    """Where the manifest of a backup lies."""
    return f"{BACKUPS_FOLDER}/{backup}.json"


def backup_ids(blobs: BlobStore) -> list[str]:
    """All backups, the oldest first."""
    named = (name.removeprefix(f"{BACKUPS_FOLDER}/") for name in blobs.names(BACKUPS_FOLDER))
    return sorted(name.removesuffix(".json") for name in named if name.endswith(".json"))


def read_manifest(blobs: BlobStore, backup: str) -> BackupManifest:
    """A backup by its id. Raises NotFound, StoreError where it is no manifest of this version."""
    content = blobs.read(manifest_name(backup))
    try:
        return BackupManifest.model_validate_json(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise StoreError(f"{blobs}/{manifest_name(backup)}: {place}: {first['msg']}") from None


def find_manifest(blobs: BlobStore, backup: str | None) -> BackupManifest:
    """The backup of that id, or the newest. Raises NotFound naming those that are there."""
    known = backup_ids(blobs)
    if not known:
        raise NotFound(f"{blobs}: no backup lies here; `controlsurface backup {blobs}` makes one")
    if backup is not None and backup not in known:
        raise NotFound(f"{blobs}: no backup '{backup}'; the newest are {', '.join(known[-3:])}")
    return read_manifest(blobs, backup or known[-1])
