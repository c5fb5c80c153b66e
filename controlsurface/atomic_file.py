"""Files that are replaced at once: whoever reads one sees what was before or what came after, also after a crash."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def atomic_replacement(path: Path, mode: int | None = None) -> Iterator[Path]:
    """A file beside `path` to write to; it takes the place of `path` unless an exception is raised. Raises OSError.

    A link stays one. The rights are those of the file before, else `mode`, else what the umask leaves.
    """
    place = path.resolve()
    draft = place.with_name(f".{place.name}.{token_hex(4)}")
    rights = place.stat().st_mode & 0o7777 if place.exists() else mode
    draft.touch(0o600 if rights is not None else 0o666, exist_ok=False)
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        if rights is not None:
            draft.chmod(rights)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
