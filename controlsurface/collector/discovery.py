"""Where other commands find the server that owns a data directory: a file beside the lock."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from controlsurface.atomic_file import atomic_replacement
from controlsurface.client.remote_client import SERVER_FILE
from controlsurface.errors import StoreError, StoreInUse
from controlsurface.store.duckdb import store_owner


@contextmanager
def publish_addresses(data: Path, addresses: Mapping[str, str]) -> Iterator[None]:
    """Leave the addresses there while the server answers; never a half-written file. Raises StoreError."""
    path = data / SERVER_FILE
    try:
        with atomic_replacement(path) as draft:
            draft.write_text(json.dumps({**addresses, "pid": os.getpid()}), "utf-8")
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find_addresses(data: Path, wait_s: float = 5) -> Mapping[str, str] | None:
    """The addresses of the server that owns the directory, None when nobody does.

    A server that is starting or stopping is given `wait_s`. Raises StoreInUse when it still says nothing.
    """
    until = time.monotonic() + wait_s
    while pid := store_owner(data):
        try:
            addresses: dict[str, str] = json.loads((data / SERVER_FILE).read_text("utf-8"))
        except (OSError, ValueError):
            if time.monotonic() > until:
                raise StoreInUse(f"{data}: in use by process {pid}, which does not say where it listens") from None
            time.sleep(0.05)
        else:
            return addresses
    return None
