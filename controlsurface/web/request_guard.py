"""ASGI middleware in front of every application of ours: Host, Origin, and headers that browsers hold pages to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlsurface.web.host_policy import HostPolicy
from controlsurface.web.refusal_counter import RefusalCounter, RefusalReason

POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further."""

    status: int
    title: str
    text: str
    reason: RefusalReason


def refusal_response(refusal: Refusal) -> ASGIApp:
    """The refusal as text."""
    return PlainTextResponse(f"{refusal.title}: {refusal.text}\n", refusal.status)


class RequestGuard:
    """Lets through what names this server and, where it can change something, what no foreign page sent."""

    def __init__(
        self,
        app: ASGIApp,
        policy: HostPolicy,
        refusals: RefusalCounter,
        headers: Mapping[str, str],
        answer: Callable[[Refusal], ASGIApp] = refusal_response,
    ) -> None:
        self._app = app
        self._policy = policy
        self._refusals = refusals
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._names = frozenset(name for name, _ in self._headers)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope`, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            return await self._app(scope, receive, send)
        refusal = find_refusal(scope, self._policy)
        if refusal:
            self._refusals.add(refusal.reason, f"{refusal.text} (from {client_address(scope)})")
        if refusal and scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return await (self._answer(refusal) if refusal else self._app)(scope, receive, self._marking(send))

    def _marking(self, send: Send) -> Send:
        """`send` with our headers on every answer, in place of any of the same name."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [each for each in message.get("headers", ()) if each[0].lower() not in self._names]
                message = {**message, "headers": [*given, *self._headers]}
            await send(message)

        return marked


def find_refusal(scope: Mapping[str, Any], policy: HostPolicy) -> Refusal | None:
    """What is wrong with the names in a request's head; None where nothing is."""
    hosts = _header_values(scope, b"host")
    strange = next((host for host in hosts if not policy.serves(host)), None)
    if strange is not None:
        hint = "add the name to server.hosts in the configuration if it is this server's"
        return Refusal(421, "Misdirected request", f"no server of the name '{strange[:100]}' is here; {hint}", "host")
    if scope["type"] == "http" and scope["method"] in _SAFE_METHODS:
        return None
    host = hosts[0] if hosts else ""
    foreign = next((each for each in _header_values(scope, b"origin") if not policy.trusts(each, host)), None)
    if foreign is None:
        return None
    hint = "add it to server.origins in the configuration if it may"
    return Refusal(403, "Forbidden", f"pages of '{foreign[:100]}' may change nothing here; {hint}", "origin")


def client_address(scope: Mapping[str, Any]) -> str:
    """The address that a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "an unknown address"


def _header_values(scope: Mapping[str, Any], name: bytes) -> list[str]:
    """Every value of a header: two are as many chances to be wrong."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
