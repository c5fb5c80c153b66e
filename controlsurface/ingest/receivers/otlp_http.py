"""OTLP/HTTP: an ASGI application of three paths and two encodings, and its server with deadlines for slow senders."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from controlsurface import config
from controlsurface.config import Config
from controlsurface.errors import Busy, ControlSurfaceError, Throttled, TooLarge
from controlsurface.ingest.receivers import otlp_responses
from controlsurface.ingest.receivers.intake import ANSWER_TIMEOUT_S, Intake, MemoryReservation
from controlsurface.ingest.validation.validate import ValidatedBody
from controlsurface.ingest.wire.otlp_request import CONTENT_CODINGS, SIGNALS, Encoding, RequestBody, Signal
from controlsurface.web.connections import HttpConnectionLimits, limited_protocol
from controlsurface.web.listener import Listener
from controlsurface.web.refusal_counter import RefusalCounter
from controlsurface.web.request_guard import HostPolicy, client_address, find_refusal
from controlsurface.web.token_check import TokenCheck, bearer_token

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

DRAIN_TIMEOUT_S = 10  # how long a refused body is read on
MAX_DRAIN_BYTES = 128 * config.MIB  # and how much of it, or twice the size limit where that is more
_PATHS: dict[str, Signal] = {f"/v1/{signal}": signal for signal in SIGNALS}
_ENCODINGS: dict[str, Encoding] = {"application/x-protobuf": "protobuf", "application/json": "json"}
_TYPES: dict[Encoding, bytes] = {encoding: name.encode() for name, encoding in _ENCODINGS.items()}


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    encoding: Encoding
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the head of a request says."""

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    client: str = ""

    @property
    def content_type(self) -> str:
        return self.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()

    @property
    def encoding(self) -> Encoding:
        """Of the answer; JSON where the request's own is neither."""
        return _ENCODINGS.get(self.content_type, "json")

    @property
    def coding(self) -> str:
        return self.headers.get(b"content-encoding", b"").decode("latin-1").strip().lower() or "identity"

    @property
    def length(self) -> int:
        """As announced; 0 where it is not."""
        text = self.headers.get(b"content-length", b"")
        return int(text) if text.isdigit() else 0

    @property
    def has_body(self) -> bool:
        return self.length > 0 or b"transfer-encoding" in self.headers


class _Arriving:
    """A body on its way: its parts as they come, how many bytes came, and whether that was all."""

    def __init__(self, receive: Receive, ended: bool) -> None:
        self._receive = receive
        self.size = 0
        self.ended = ended

    async def part(self) -> bytes | None:
        """The next part; None where the sender went away."""
        message = await self._receive()
        gone = message["type"] != "http.request"
        data: bytes = message.get("body", b"")
        self.size += len(data)
        self.ended = gone or not message.get("more_body")
        return None if gone else data

    async def read_on(self, most: int) -> None:
        """Take the rest and keep nothing, until `most` bytes came in all or DRAIN_TIMEOUT_S are over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while not self.ended and self.size < most:
                    await self.part()


class OtlpApp:
    """The application; one for all connections."""

    def __init__(self, intake: Intake, settings: Config, host: str, refusals: RefusalCounter) -> None:
        self._intake = intake
        self._limit = settings.receiver.max_http_body
        self._policy = HostPolicy.of(host, settings.server)
        self._refusals = refusals
        tokens = ((each, each) for each in settings.auth.senders())
        self._tokens = TokenCheck(tokens, settings.auth, self._refusals) if settings.auth.token else None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = _Request(scope["method"], scope["path"], dict(scope["headers"]), client_address(scope))
        body = _Arriving(receive, not request.has_body)
        reply = self._misdirected(scope, request) or self._refusal(request) or await self._taken(request, body)
        if reply is None:  # the sender went away
            return
        content = [(b"content-type", _TYPES[reply.encoding]), (b"content-length", b"%d" % len(reply.body))]
        headers = [*content, *reply.headers.items(), *([] if body.ended else [(b"connection", b"close")])]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body, "more_body": not body.ended})
        if not body.ended:
            await body.read_on(max(MAX_DRAIN_BYTES, 2 * self._limit))
            await send({"type": "http.response.body", "body": b""})  # which closes the connection

    def _refusal(self, request: _Request) -> _Reply | None:
        """What the head alone decides."""
        if request.path not in _PATHS:
            return _said(request, 404, f"no such path; OTLP is taken at {', '.join(_PATHS)}")
        if request.method != "POST":
            return _said(request, 405, "OTLP is sent with POST", {b"allow": b"POST"})
        if refused := self._unauthorised(request):
            return refused
        if request.content_type not in _ENCODINGS:
            return _said(request, 415, f"Content-Type must be one of {', '.join(_ENCODINGS)}")
        if request.coding not in CONTENT_CODINGS:
            return _said(request, 415, f"Content-Encoding must be one of {', '.join(CONTENT_CODINGS)}")
        return None

    def _misdirected(self, scope: Mapping[str, Any], request: _Request) -> _Reply | None:
        """What the names in the head decide: a page elsewhere sends nothing here."""
        refusal = find_refusal(scope, self._policy)
        if refusal is None:
            return None
        self._refusals.add(refusal.reason, f"{refusal.text} (from {request.client})")
        return _said(request, refusal.status, refusal.text)

    def _unauthorised(self, request: _Request) -> _Reply | None:
        """What the token decides."""
        if self._tokens is None:
            return None
        shown = bearer_token(request.headers.get(b"authorization", b"").decode("latin-1"))
        try:
            known = bool(shown) and self._tokens.owner(request.client, shown)
        except Throttled as problem:
            return _failed(request, problem)
        if known:
            return None
        return _said(request, 401, "the bearer token is missing or wrong", {b"www-authenticate": b"Bearer"})

    async def _taken(self, request: _Request, arriving: _Arriving) -> _Reply | None:
        """The answer to a body; None where the sender went away before its end."""
        hold, data = self._intake.hold(), None
        try:
            data = await self._read(request, arriving, hold)
        except ControlSurfaceError as problem:
            self._intake.count(problem)
            return _failed(request, problem)
        finally:
            if data is None:
                hold.release()
        if data is None:
            return None
        body = RequestBody(_PATHS[request.path], data, request.encoding, request.coding, self._limit, ANSWER_TIMEOUT_S)
        return await self._answer(request, body, hold)

    async def _read(self, request: _Request, arriving: _Arriving, hold: MemoryReservation) -> bytes | None:
        """The whole body as sent. Raises TooLarge, Busy."""
        if request.length > self._limit:
            raise TooLarge(f"the body of {request.length} bytes is over the limit of {self._limit}")
        parts: list[bytes] = []
        while True:
            part = await arriving.part()
            if part is None:
                return None
            if arriving.size > self._limit:
                raise TooLarge(f"the body is over the limit of {self._limit} bytes")
            hold.add(len(part))
            parts.append(part)
            if arriving.ended:
                return b"".join(parts)

    async def _answer(self, request: _Request, body: RequestBody, hold: MemoryReservation) -> _Reply:
        """Wait for the body to become durable, but not longer than senders do."""
        future = asyncio.wrap_future(self._intake.submit(body, hold))
        future.add_done_callback(_looked_at)
        try:
            checked: ValidatedBody = await asyncio.wait_for(asyncio.shield(future), ANSWER_TIMEOUT_S)
        except TimeoutError:
            return _failed(request, Busy(f"not durable within {ANSWER_TIMEOUT_S} s"))
        except Exception as problem:  # noqa: BLE001 (the intake logs what is not the sender's doing)
            return _failed(request, problem)
        return _Reply(200, otlp_responses.success_response(body.signal, checked, request.encoding), request.encoding)


def _looked_at(future: "asyncio.Future[ValidatedBody]") -> None:
    """Keep asyncio from complaining about an error that came after its sender was answered."""
    if not future.cancelled():
        future.exception()


def _failed(request: _Request, problem: Exception) -> _Reply:
    status = problem.status if isinstance(problem, ControlSurfaceError) else 500
    headers = {b"retry-after": b"%d" % problem.retry_after_s} if isinstance(problem, Busy) else {}
    return _Reply(status, otlp_responses.error_response(problem, request.encoding), request.encoding, headers)


def _said(request: _Request, status: int, text: str, headers: Mapping[bytes, bytes] | None = None) -> _Reply:
    code = otlp_responses.UNAUTHENTICATED if status == 401 else otlp_responses.INVALID_ARGUMENT
    return _Reply(status, otlp_responses.status_response(code, text, request.encoding), request.encoding, headers or {})


HEAD_TIMEOUT_S = 30  # from the connection, or a request's first byte, to the end of its head
BODY_TIMEOUT_S = 60  # from there to the end of its body
IDLE_TIMEOUT_S = 75  # between requests; exporters that batch send every few seconds


class HttpReceiver:
    """Holds its port at once, and takes OTLP/HTTP between `start` and `stop`. Raises PortInUse."""

    def __init__(
        self, intake: Intake, settings: Config, host: str, port: int, refusals: RefusalCounter, most_connections: int
    ) -> None:
        protocol = limited_protocol(HttpConnectionLimits(most_connections, HEAD_TIMEOUT_S, BODY_TIMEOUT_S), refusals)
        app = OtlpApp(intake, settings, host, refusals)
        self._listener = Listener("otlp_http", app, host, port, protocol, IDLE_TIMEOUT_S)

    def start(self) -> int:
        """Take bodies; the bound port."""
        return self._listener.start().port

    def stop(self, grace_s: float) -> None:
        """Take no new bodies; answer those under way, for at most `grace_s`."""
        self._listener.stop(grace_s)
