"""A real server for tests: the API over a reader, on a free port, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from controlsurface.api.app import create_app
from controlsurface.client import Client
from controlsurface.config import Config


@contextmanager
def serving(reader: Client, config: Config | None = None) -> Iterator[str]:
    """The address of a server that lives as long as the block."""
    app = create_app(reader, config or Config())
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{_port(server, thread)}"
    finally:
        server.should_exit = True
        thread.join(10)


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    """The port, once it listens."""
    while not server.started:
        assert thread.is_alive(), "the server ended before it listened"
        thread.join(0.01)
    return int(server.servers[0].sockets[0].getsockname()[1])
