"""ASGI middleware in front of every application of ours: Host, Origin, and headers that browsers hold pages to."""

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlsurface.config.server_access import ServerConfig
from controlsurface.web.refusal_counter import RefusalCounter, RefusalReason

_HOST_HEADER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?", re.ASCII)
_MAX_CACHED_NAMES = 4096  # answers about Host headers; any text can stand in one


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """The names of one server. `local`: it listens on loopback alone, so no other address leads to it."""

    names: frozenset[str]
    origins: frozenset[str] = frozenset()
    local: bool = True

    @staticmethod
    def of(bound: str, section: ServerConfig) -> "HostPolicy":
        """The policy of a server that listens on `bound`: the names of the configuration, its own, and loopback."""
        local = is_loopback(bound)
        own = {bound.lower()} if local else {bound.lower(), socket.gethostname().lower()}
        return HostPolicy(frozenset({"localhost", *own, *section.hosts}), frozenset(section.origins), local)

    def serves(self, host: str) -> bool:
        """Whether a Host header names this server.

        >>> local = HostPolicy(frozenset({"localhost"}))
        >>> [local.serves(each) for each in ("localhost:8502", "127.0.0.1", "[::1]:1", "evil.example", "10.0.0.1")]
        [True, True, True, False, False]
        """
        return _serves(self, host)

    def trusts(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may change something: our own, or one that the configuration names.

        >>> local = HostPolicy(frozenset({"localhost"}))
        >>> local.trusts("http://localhost:8501", "localhost:8501"), local.trusts("null", "localhost:8501")
        (True, False)
        """
        if origin.lower() in self.origins:
            return True
        parts = urlsplit(origin)
        return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower() != ""


@lru_cache(_MAX_CACHED_NAMES)
def _serves(policy: HostPolicy, host: str) -> bool:
    found = _HOST_HEADER.fullmatch(host)
    if not found:
        return False
    name = found[1].strip("[]").lower().rstrip(".")
    # An address in a Host header was typed as one: only names can be made to point elsewhere.
    if name in policy.names or is_loopback(name) or (not policy.local and _address(name)):
        return True
    return any(name.endswith(each[1:]) for each in policy.names if each.startswith("*."))


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Whether only this machine can reach a name or address."""
    address = _address(name)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback if address else name == "localhost"


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


_COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": under it a form of our own page says that it comes from the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
API_HEADERS: Mapping[str, str] = {
    **_COMMON_HEADERS,
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}


def dashboard_headers(scripts: Iterable[str], frame_ancestors: Iterable[str] = ()) -> dict[str, str]:
    """Of pages: nothing is loaded from elsewhere, and no inline script runs but those with these hashes.

    Streamlit 1.67 writes its styles inline, draws icons as data, and makes workers and downloads of blobs.
    """
    ancestors = list(frame_ancestors)
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(("'self'", "'wasm-unsafe-eval'", *(f"'{each}'" for each in scripts))),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(ancestors) or "'none'",
    }
    told = "; ".join(f"{name} {value}" for name, value in policy.items())
    framed = {} if ancestors else {"X-Frame-Options": "DENY"}
    return {**_COMMON_HEADERS, **framed, "Content-Security-Policy": told}
