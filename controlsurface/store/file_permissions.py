"""The files of a data directory are for their owner alone, whatever the umask was when they were made."""

import logging
import os
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from stat import S_IMODE

OTHERS_MODE_BITS = 0o077
OWN_FILES = (
    "controlsurface.duckdb*",
    "controlsurface.duckdb.tmp/*",
    "lock",
    "server.*",
    "journal",
    "journal/*",
    "snapshot",
    "snapshot/*",
)

_log = logging.getLogger("store")


class PrivateUmask:
    """While anything holds it, new files of this process are for their owner alone; then as the user's umask says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held, self._before = 0, 0

    def hold(self) -> None:
        """Begin."""
        with self._lock:
            if not self._held:
                self._before = os.umask(OTHERS_MODE_BITS)
            self._held += 1

    def release(self) -> None:
        """End, once for each `hold`."""
        with self._lock:
            self._held -= 1
            if not self._held:
                os.umask(self._before)


UMASK = PrivateUmask()


def restrict_permissions(data: Path) -> None:
    """Take from others what earlier versions let them read, and say so. A folder that holds more keeps its rights."""
    ours = _own_files(data)
    is_ours_alone = {each.name for each in data.iterdir()} <= {each.name for each in ours}
    wide = [each for each in (*([data] if is_ours_alone else []), *ours) if _is_wide(each)]
    failed = [text for each in wide if (text := _narrowed(each))]
    if len(wide) > len(failed):
        n = len(wide) - len(failed)
        _log.warning("%s: others could read %d of its files and folders; now only their owner can", data, n)
    for text in failed:
        _warn_once(text)


@cache
def _warn_once(text: str) -> None:
    """However often a command opens the store."""
    _log.warning(text)


def _is_wide(path: Path) -> bool:
    return not path.is_symlink() and path.exists() and bool(S_IMODE(path.stat().st_mode) & OTHERS_MODE_BITS)


def _narrowed(path: Path) -> str:
    """Why the rights stay as they are; nothing where others have none now."""
    try:
        path.chmod(S_IMODE(path.stat().st_mode) & ~OTHERS_MODE_BITS)
    except OSError as problem:
        return f"{path}: others can read it, and its rights cannot be changed: {problem.strerror}"
    return ""


def readable_by_others(data: Path) -> Iterator[Path]:
    """What of a data directory others can read."""
    yield from (each for each in (data, *_own_files(data)) if _is_wide(each))


def _own_files(data: Path) -> list[Path]:
    return [each for pattern in OWN_FILES for each in sorted(data.glob(pattern))]
