"""The OTLP/HTTP receiver: uvicorn in a thread of its own, with deadlines for slow senders."""

import asyncio
import logging
import socket
import threading
import time
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from controlsurface.config import Config
from controlsurface.ingest.http_app import OtlpApp
from controlsurface.ingest.intake import Intake
from controlsurface.web.refusals import Refusals

log = logging.getLogger(__name__)

HEAD_S = 30  # from the connection, or a request's first byte, to the end of its head
BODY_S = 60  # from there to the end of its body
IDLE_S = 75  # between requests; exporters that batch send every few seconds
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_OVERHEAD = 64 << 10  # bytes of a request that are not body, beyond one for each byte of body


class _Guarded(HttpToolsProtocol):
    """uvicorn's protocol, which by itself would wait for ever for a head or a body, and keep a head of any size."""

    most_connections = 0  # 0: any number
    _deadline: asyncio.TimerHandle | None = None
    _overhead = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(HEAD_S)
        if self.most_connections and len(self.connections) > self.most_connections:
            self._make_room()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way whose head came whole."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _make_room(self) -> None:
        """Cut off somebody who sends nothing at the moment; where all send, this one."""
        others = (each for each in self.connections if isinstance(each, _Guarded) and each is not self)
        idle = next((each for each in others if each.is_idle), None)
        if idle is None:
            self.transport.write(_FULL)
            self.transport.close()
        else:
            idle.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > _OVERHEAD and not self.transport.is_closing():
            self.send_400_response("Request head too large")

    def on_message_begin(self) -> None:
        self._expect(HEAD_S)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._expect(BODY_S)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._expect(0)
        self._overhead = 0
        super().on_message_complete()

    def _expect(self, seconds: float) -> None:
        """Something must happen within `seconds`; 0: no more."""
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._give_up) if seconds else None

    def _give_up(self) -> None:
        log.info("a sender was too slow and is cut off: %s", self.client)
        self.transport.abort()


class HttpReceiver:
    """Takes OTLP/HTTP between `start` and `stop`."""

    def __init__(
        self,
        intake: Intake,
        settings: Config,
        host: str,
        port: int,
        refusals: Refusals | None = None,
        most_connections: int = 0,
    ) -> None:
        self._address = (host, port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                OtlpApp(intake, settings, host, refusals),
                http=type("_Bounded", (_Guarded,), {"most_connections": most_connections}),
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
