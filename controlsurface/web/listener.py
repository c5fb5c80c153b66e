"""An ASGI application on a socket, served by a thread of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from controlsurface.errors import PartFailed, PortInUse

GRACE_S = 10  # for answers under way when asked to stop
_BACKLOG = 2048


class Listener:
    """Bound at once, so that a taken port is an error at once; serves between `start` and `stop`."""

    def __init__(
        self,
        name: str,
        app: ASGIApp,
        host: str,
        port: int,
        protocol: type[asyncio.Protocol] | None = None,
        keep_alive_s: int = 5,
    ) -> None:
        self._socket = _listening(name, host, port)
        self.port: int = self._socket.getsockname()[1]
        self.url = url(host, self.port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=protocol or "httptools",
                ws="none",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=keep_alive_s,
            )
        )
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def start(self) -> Self:
        """Return when requests are answered. Raises PartFailed when that does not come about."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise PartFailed(f"{self._thread.name}: the server ended while it was starting")
            time.sleep(0.002)
        return self

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Take no more requests; answer those under way, for at most `grace_s`."""
        self._server.config.timeout_graceful_shutdown = max(round(grace_s), 1)
        self._server.should_exit = True
        self._thread.join(grace_s + 5)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(self._server.serve(sockets=[self._socket]))


def hold_ports(held: ExitStack, host: str, ports: Mapping[str, int]) -> dict[str, int]:
    """Bind ports by name (0: any that is free) until `held` closes; those bound. Raises PortInUse naming all taken."""
    found: dict[str, int] = {}
    taken: list[str] = []
    for name, port in ports.items():
        try:
            found[name] = held.enter_context(bound(host, port)).getsockname()[1]
        except OSError as problem:
            taken.append(str(in_use(name, host, port, problem)))
    if taken:
        raise PortInUse("\n".join(taken))
    return found


def bound(host: str, port: int, backlog: int = 0) -> socket.socket:
    """A TCP socket that holds the address; without a backlog it does not listen yet. Raises OSError."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    held = socket.socket(family, kind)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
        if backlog:
            held.listen(backlog)
    except OSError:
        held.close()
        raise
    return held


def _listening(name: str, host: str, port: int) -> socket.socket:
    """A socket that clients can connect to. Raises PortInUse."""
    try:
        return bound(host, port, _BACKLOG)
    except OSError as problem:
        raise in_use(name, host, port, problem) from None


def in_use(name: str, host: str, port: int, problem: OSError) -> PortInUse:
    """The error for an address that cannot be listened on."""
    hint = "stop the other program, or choose another port (0: any)"
    return PortInUse(f"{name}: {host}:{port}: {problem.strerror or problem}; {hint}")


def url(host: str, port: int) -> str:
    """The address a client on this machine uses."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - translated, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
