"""Whoever has the store: the running server, or its parts in this process."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from controlsurface.client import Client
from controlsurface.collector.discovery import find_addresses
from controlsurface.collector.ingest_engine import running_engine
from controlsurface.config import Config


@contextmanager
def store_or_server(data: Path, config: Config, connect: Callable[[Path], Client]) -> Iterator[Client]:
    """A client of it, until the block ends; orders that it takes are carried out meanwhile.

    `connect` opens a client of the running server.
    """
    if find_addresses(data):
        with closing(connect(data)) as reader:
            yield reader
    else:
        with running_engine(data, config) as engine:
            yield engine.reader()
