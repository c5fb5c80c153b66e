"""The OTLP/HTTP receiver: uvicorn in a thread of its own, with deadlines for slow senders."""

import asyncio
import logging
import socket
import sys
import threading
import time

import uvicorn

from controlsurface.config import Config
from controlsurface.ingest.http_app import OtlpApp
from controlsurface.ingest.intake import Intake
from controlsurface.web.connections import ConnectionLimits, limited
from controlsurface.web.refusals import Refusals

log = logging.getLogger(__name__)

HEAD_S = 30  # from the connection, or a request's first byte, to the end of its head
BODY_S = 60  # from there to the end of its body
IDLE_S = 75  # between requests; exporters that batch send every few seconds


class HttpReceiver:
    """Takes OTLP/HTTP between `start` and `stop`."""

    def __init__(
        self,
        intake: Intake,
        settings: Config,
        host: str,
        port: int,
        refusals: Refusals | None = None,
        most_connections: int = sys.maxsize,
    ) -> None:
        known = refusals or Refusals("otlp_http")
        self._address = (host, port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                OtlpApp(intake, settings, host, known),
                http=limited(ConnectionLimits(most_connections, HEAD_S, BODY_S), known),
                loop="uvloop",
                ws="none",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=IDLE_S,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="otlp-http", daemon=True)
        self._socket: socket.socket | None = None

    def start(self) -> int:
        """Listen; the bound port. Raises OSError where the address is taken."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.create_server(self._address, family=family, backlog=2048)
        port: int = self._socket.getsockname()[1]
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.002)
        return port

    def stop(self, grace_s: float) -> None:
        """Take no new bodies; answer those under way, for at most `grace_s`."""
        self._server.config.timeout_graceful_shutdown = max(round(grace_s), 1)
        self._server.should_exit = True
        self._thread.join(grace_s + 5)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(self._server.serve(sockets=[self._socket] if self._socket else None))
