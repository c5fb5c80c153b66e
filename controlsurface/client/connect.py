"""Which reader to use: the store if it is free, else the server that owns it."""

import os
import time
from pathlib import Path

import orjson

from controlsurface.client.client_protocol import Client
from controlsurface.client.local_client import LocalClient
from controlsurface.client.remote_client import RemoteClient
from controlsurface.config import Config
from controlsurface.errors import StoreInUse
from controlsurface.store.duckdb import DuckStore

SERVER_FILE = "server.json"


def connect_client(data: Path, token: str | None = None, wait_s: float = 5, config: Config | None = None) -> Client:
    """A reader of the data directory; `token` defaults to $CONTROLSURFACE_TOKEN.

    A server that is just starting or stopping is given `wait_s`. Raises StoreInUse when it still says nothing.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            return LocalClient(DuckStore.open(data), config=config)
        except StoreInUse:
            url = _served(data)
            if url:
                return RemoteClient(url, os.environ.get("CONTROLSURFACE_TOKEN", "") if token is None else token)
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _served(data: Path) -> str | None:
    """The address that the owner of the data directory wrote down."""
    try:
        return str(orjson.loads((data / SERVER_FILE).read_bytes())["api"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
