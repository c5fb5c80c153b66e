"""How many connections a listener may hold, and how slow they may be: what uvicorn's protocol leaves out."""

import asyncio
import resource
import sys
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from controlsurface.config.server_access import ServerConfig
from controlsurface.web.refusal_counter import RefusalCounter, RefusalReason

_FULL_RESPONSE = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
MAX_HEAD_BYTES = 64 << 10  # of a request that is not body, beyond one for each byte of body


@dataclass(frozen=True, slots=True)
class HttpConnectionLimits:
    """How many connections, and how slow they may be."""

    max_connections: int
    head_s: float
    body_s: float

    @staticmethod
    def of(section: ServerConfig, most: int = sys.maxsize) -> "HttpConnectionLimits":
        """As configured; `most`: there are descriptors for no more."""
        head_s, body_s = (each.total_seconds() for each in (section.head_timeout, section.body_timeout))
        return HttpConnectionLimits(min(section.max_connections, most), head_s, body_s)


class _LimitedProtocol(HttpToolsProtocol):
    """One connection. Over the limit the one that has been idle longest is closed, and only else the new one."""

    limits: HttpConnectionLimits
    refusals: RefusalCounter
    idle: "OrderedDict[_LimitedProtocol, None]"
    _deadline: asyncio.TimerHandle | None = None
    _overhead_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._rest()
        self._expect(self.limits.head_s)
        if len(self.connections) > self.limits.max_connections:
            self._make_room(next(iter(self.idle)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(0)
        self.idle.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._overhead_bytes += len(data)
        super().data_received(data)
        if self._overhead_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request head too large")

    def handle_websocket_upgrade(self) -> None:
        self._expect(0)
        self.idle.pop(self, None)
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        self._expect(self.limits.head_s)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.idle.pop(self, None)
        self._expect(self.limits.body_s)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead_bytes -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._expect(0)
        self._overhead_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._rest()

    def _make_room(self, victim: "_LimitedProtocol") -> None:
        """Cut off who is owed nothing; where that is the new one alone, it is told to come again."""
        self._note(victim, "connections", f"over {self.limits.max_connections} connections")
        if victim is self:
            self.transport.write(_FULL_RESPONSE)
            self.transport.close()
        else:
            victim.transport.abort()

    def _rest(self) -> None:
        """Nothing is owed to this connection: it is the last to make room."""
        self.idle[self] = None
        self.idle.move_to_end(self)

    def _expect(self, seconds: float) -> None:
        """Something must happen within `seconds`; 0: no more."""
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._too_slow) if seconds else None

    def _too_slow(self) -> None:
        self._note(self, "slow", "too slow with a request")
        self.transport.abort()

    def _note(self, victim: "_LimitedProtocol", reason: RefusalReason, text: str) -> None:
        self.refusals.add(reason, f"{text}: {victim.client[0] if victim.client else 'a client'} is cut off")


def limited_protocol(limits: HttpConnectionLimits, refusals: RefusalCounter) -> type[asyncio.Protocol]:
    """The protocol of one server."""
    own: dict[str, Any] = {"limits": limits, "refusals": refusals, "idle": OrderedDict()}
    return type("OwnLimitedProtocol", (_LimitedProtocol,), own)


RESERVED_FDS = 160  # descriptors kept for the store, the journal, the checker, notifiers, and what queries spill
MAX_DESCRIPTORS = 65_536  # that are divided, where the system allows millions
MIN_CONNECTIONS = 8  # connections of any listener, however low the limit is


@dataclass(frozen=True, slots=True)
class ListenerConnections:
    """How many connections each listener may hold at once."""

    api: int
    otlp_http: int
    otlp_grpc: int


def raise_descriptor_limit() -> int:
    """The limit of open files, after the soft one was raised to the hard one where that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS refuses what it calls unlimited
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(soft, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def divide_descriptors(limit: int) -> ListenerConnections:
    """Half for senders over HTTP, and a quarter each for senders over gRPC and for readers.

    >>> divide_descriptors(1024)
    ListenerConnections(api=216, otlp_http=432, otlp_grpc=216)
    """
    most = max(min(limit, MAX_DESCRIPTORS) - RESERVED_FDS, 0)
    quarter, half = (max(most // parts, MIN_CONNECTIONS) for parts in (4, 2))
    return ListenerConnections(quarter, half, quarter)
