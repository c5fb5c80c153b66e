"""A compressed file as a stream that ends with an error where it opens into more than it may."""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path

from controlsurface import config
from controlsurface.errors import TooLarge

_FREE_BYTES = 64 * config.MIB  # that any file may open into, however small it is


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What a file that is imported may open into, and one message in it."""

    max_bytes: int
    max_ratio: int
    max_message: int

    @classmethod
    def of(cls, settings: config.Config) -> "FileLimits":
        """As configured."""
        return cls(settings.files.max_bytes, settings.files.max_ratio, settings.receiver.max_http_body)

    def opens(self, path: Path, size: int) -> None:
        """Raises TooLarge naming the key, where a file of this size on disk opens into too many bytes."""
        if size > self.max_bytes:
            raise TooLarge(f"{path}: opens into more than {self.max_bytes} bytes; raise files.max_bytes")
        if size > _FREE_BYTES and size > self.max_ratio * path.stat().st_size:
            raise TooLarge(f"{path}: opens into more than {self.max_ratio} times its size; raise files.max_ratio")

    def message(self, path: Path, size: int) -> None:
        """Raises TooLarge naming the key, where one message of so many bytes is too large."""
        if size > self.max_message:
            raise TooLarge(
                f"{path}: one message has more than {self.max_message} bytes; "
                "write smaller ones, or raise receiver.max_http_body"
            )


DEFAULT_FILE_LIMITS = FileLimits.of(config.Config())


class BoundedGzipStream(io.RawIOBase):
    """What a gzipped file holds; reading on where it is too much raises TooLarge."""

    def __init__(self, path: Path, limits: FileLimits) -> None:
        super().__init__()
        self._path, self._limits = path, limits
        self._file = gzip.open(path)  # noqa: SIM115 - closed with this
        self._bytes = 0

    def readable(self) -> bool:
        """As all streams that are read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As io.RawIOBase."""
        size = self._file.readinto(buffer)
        self._bytes += size
        self._limits.opens(self._path, self._bytes)
        return size

    def close(self) -> None:
        """As io.IOBase."""
        self._file.close()
        super().close()
