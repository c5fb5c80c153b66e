"""Files in pieces named by what is in them: a piece that is there already is not written again."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from controlsurface.backup.backup_manifest import FilePieces
from controlsurface.blob_store import BlobStore
from controlsurface.errors import StoreError

CHUNKS_FOLDER = "chunks"
CHUNK_BYTES = 1 << 20  # four blocks of the database: what a checkpoint rewrites is scattered
WRITERS = 4  # pieces on their way at once: a bucket is slow to answer

_CODEC = pa.Codec("zstd", compression_level=1)
_HEAD_BYTES = 8  # of a piece as it lies: how long it is unpacked

A = TypeVar("A")
B = TypeVar("B")
Progress = Callable[[int], None]


def chunk_id(content: bytes) -> str:
    """The SHA-256 of a piece, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def chunk_name(chunk: str) -> str:
    """Where a piece lies."""
    return f"{CHUNKS_FOLDER}/{chunk[:2]}/{chunk}"


class ChunkWriter:
    """Writes what is not there yet. `written` counts pieces and the bytes that they take."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._known = {name.rpartition("/")[2] for name in blobs.names(CHUNKS_FOLDER)}
        self.written, self.written_bytes = 0, 0

    def save(self, path: Path, named: str, progress: Progress) -> FilePieces:
        """All of a file, up to where it ends now. Raises FileNotFoundError, StoreError."""
        ids, size = [], 0
        with ThreadPoolExecutor(WRITERS) as pool:
            for ids_and_bytes in _ahead(pool, self._put, _pieces(path)):
                ids.append(ids_and_bytes[0])
                size += ids_and_bytes[1]
                progress(ids_and_bytes[1])
        return FilePieces(path=named, size=size, chunks=tuple(ids))

    def _put(self, content: bytes) -> tuple[str, int]:
        chunk = chunk_id(content)
        if chunk not in self._known:
            packed = len(content).to_bytes(_HEAD_BYTES, "little") + _CODEC.compress(content, asbytes=True)
            self._blobs.write(chunk_name(chunk), packed)
            self._known.add(chunk)
            self.written += 1
            self.written_bytes += len(packed)
        return chunk, len(content)


def read_chunk(blobs: BlobStore, chunk: str) -> bytes:
    """A piece as it was. Raises NotFound where it is missing, StoreError where it is damaged."""
    packed = blobs.read(chunk_name(chunk))
    length = int.from_bytes(packed[:_HEAD_BYTES], "little")
    try:
        content = _CODEC.decompress(packed[_HEAD_BYTES:], min(length, CHUNK_BYTES), asbytes=True)
    except (OSError, pa.ArrowInvalid):
        content = b""
    if chunk_id(content) != chunk:
        raise StoreError(f"{blobs}/{chunk_name(chunk)}: is damaged")
    return content


def load_file(blobs: BlobStore, pieces: FilePieces, path: Path, progress: Progress) -> None:
    """Write a file as it was. Raises NotFound, StoreError."""
    with path.open("wb") as target, ThreadPoolExecutor(WRITERS) as pool:
        for content in _ahead(pool, lambda chunk: read_chunk(blobs, chunk), iter(pieces.chunks)):
            target.write(content)
            progress(len(content))
    if path.stat().st_size != pieces.size:
        raise StoreError(f"{path}: has {path.stat().st_size} bytes and not the {pieces.size} of the backup")


def _pieces(path: Path) -> Iterator[bytes]:
    """A file up to the size that it has when it is opened."""
    with path.open("rb") as file:
        left = path.stat().st_size
        while content := file.read(min(CHUNK_BYTES, left)):
            left -= len(content)
            yield content


def _ahead(pool: ThreadPoolExecutor, work: Callable[[A], B], items: Iterator[A]) -> Iterator[B]:
    """What comes of each in order, a few at once: whatever the size, few pieces are in memory."""
    waiting = deque(pool.submit(work, item) for item in islice(items, 2 * WRITERS))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(work, item) for item in islice(items, 1))
