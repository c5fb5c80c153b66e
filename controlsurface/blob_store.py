"""Named pieces, as of backups and exports, in a folder or an S3-compatible bucket, each there whole or not at all."""

from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyarrow import fs

from controlsurface.atomic_file import atomic_replacement
from controlsurface.errors import BadRequest, NotFound, StoreError

BUCKET_SCHEME = "s3://"


class BlobStore(Protocol):
    """Pieces by name, such as `chunks/ab/abcd...`. All raise StoreError where the place cannot be used."""

    def names(self, folder: str) -> set[str]:
        """All names under a folder; none where it is not there."""

    def read(self, name: str) -> bytes:
        """A piece. Raises NotFound."""

    def write(self, name: str, content: bytes) -> None:
        """Put a piece; once this returns it is durable."""

    def delete(self, name: str) -> None:
        """Remove a piece; one that is not there is no problem."""


class FolderBlobs:
    """A folder; what is `private` is for its owner alone, the rest has the rights that the umask leaves."""

    def __init__(self, folder: Path, *, private: bool = True) -> None:
        self._folder = folder
        self._modes = (0o700, 0o600) if private else (0o777, None)

    def __str__(self) -> str:
        return str(self._folder)

    def names(self, folder: str) -> set[str]:
        """All files under it, without drafts that a crash left."""
        found = (self._folder / folder).rglob("*")
        return {str(each.relative_to(self._folder)) for each in found if each.is_file() and each.name[0] != "."}

    def read(self, name: str) -> bytes:
        """The file."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"{self._folder / name}: is missing") from None
        except OSError as problem:
            raise _unusable(self._folder / name, problem) from None

    def write(self, name: str, content: bytes) -> None:
        """Replace the file at once."""
        path, (folder_mode, mode) = self._folder / name, self._modes
        try:
            path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
            with atomic_replacement(path, mode) as draft:
                draft.write_bytes(content)
        except OSError as problem:
            raise _unusable(path, problem) from None

    def delete(self, name: str) -> None:
        """Unlink the file."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as problem:
            raise _unusable(self._folder / name, problem) from None


class BucketBlobs:
    """A bucket, or a folder of one, by Arrow's client: credentials as the AWS tools find them."""

    def __init__(self, files: fs.FileSystem, base: str) -> None:
        self._files, self._base = files, base.rstrip("/")

    def __str__(self) -> str:
        return BUCKET_SCHEME + self._base

    def names(self, folder: str) -> set[str]:
        """All objects under it."""
        try:
            found = self._files.get_file_info(
                fs.FileSelector(f"{self._base}/{folder}", recursive=True, allow_not_found=True)
            )
        except OSError as problem:
            raise _unusable(folder, problem) from None
        return {each.path.removeprefix(f"{self._base}/") for each in found if each.type == fs.FileType.File}

    def read(self, name: str) -> bytes:
        """The object."""
        try:
            with self._files.open_input_stream(f"{self._base}/{name}", compression=None) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            raise NotFound(f"{self}/{name}: is missing") from None
        except OSError as problem:
            raise _unusable(f"{self}/{name}", problem) from None

    def write(self, name: str, content: bytes) -> None:
        """Put the object: it appears when it is complete."""
        try:
            with self._files.open_output_stream(f"{self._base}/{name}", compression=None) as stream:
                stream.write(content)
        except OSError as problem:
            raise _unusable(f"{self}/{name}", problem) from None

    def delete(self, name: str) -> None:
        """Delete the object."""
        try:
            self._files.delete_file(f"{self._base}/{name}")
        except FileNotFoundError:
            pass
        except OSError as problem:
            raise _unusable(f"{self}/{name}", problem) from None


def open_blobs(place: str, *, private: bool = True) -> BlobStore:
    """The folder, `private` or not, or the bucket behind `s3://bucket/folder?region=...&endpoint_override=...`.

    Raises BadRequest for any other address.
    """
    if not place.startswith(BUCKET_SCHEME):
        if "://" in place:
            raise BadRequest(f"{place.partition('://')[0]}: a place is a folder or {BUCKET_SCHEME}bucket/folder")
        return FolderBlobs(Path(place).absolute(), private=private)
    try:
        return BucketBlobs(*fs.FileSystem.from_uri(place))
    except (pa.ArrowInvalid, OSError) as problem:
        raise BadRequest(f"{place}: {problem}") from None


def _unusable(place: Path | str, problem: OSError) -> StoreError:
    return StoreError(f"{place}: {problem.strerror or problem}")
