"""Who asks, by the bearer token, and what their role may do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.api.response_encoding import on_known_error, problem_response
from controlsurface.config import AuthConfig, Role
from controlsurface.errors import Forbidden, Throttled
from controlsurface.web.refusal_counter import RefusalCounter
from controlsurface.web.request_guard import client_address
from controlsurface.web.token_check import TokenCheck, bearer_token

CALLER_SCOPE_KEY = "controlsurface.caller"

_OPEN_PATHS = ("/healthz", "/readyz")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; an empty name is somebody the server cannot tell from others."""

    name: str = ""
    role: Role | None = "admin"  # None: only sends spans
    only_reads: bool = False

    def may(self, role: Role) -> None:
        """Nothing, where this caller has at least that role. Raises Forbidden."""
        ranks = (None, *get_args(Role))
        if ranks.index(self.role) < ranks.index(role):
            is_ = f"is {self.role}" if self.role else "only sends spans, to the OTLP ports"
            raise Forbidden(f"{self.name} {is_}; this takes the role {role}")

    def may_send(self, method: str) -> None:
        """Nothing, where this caller may send requests of that method. Raises Forbidden."""
        if self.only_reads and method not in {"GET", "HEAD"}:
            raise Forbidden(f"{self.name} only reads; {method} takes auth.token, or a person's token")


class BearerTokenMiddleware:
    """ASGI middleware: without `Authorization: Bearer TOKEN` there is only 401; with it the scope knows the caller."""

    def __init__(self, app: ASGIApp, auth: AuthConfig, refusals: RefusalCounter) -> None:
        self._app = app
        self._check = TokenCheck(_callers(auth), auth, refusals)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what may pass."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS:
            return await self._app(scope, receive, send)
        try:
            caller = self._caller(scope)
            if caller:
                caller.may("viewer")
                caller.may_send(scope["method"])
        except (Throttled, Forbidden) as error:
            return await on_known_error(Request(scope), error)(scope, receive, send)
        if caller is None:
            detail = "this server asks for `Authorization: Bearer TOKEN`"
            answer = problem_response(401, "Not authorised", detail, headers={"WWW-Authenticate": "Bearer"})
            return await answer(scope, receive, send)
        return await self._app({**scope, CALLER_SCOPE_KEY: caller}, receive, send)

    def _caller(self, scope: Scope) -> Caller | None:
        """Whose token it is; None without one. Raises Throttled."""
        shown = bearer_token(Headers(scope=scope).get("authorization", ""))
        return self._check.owner(client_address(scope), shown) if shown else None


def caller_of(request: Request) -> Caller:
    """Who asks; where no token is wanted, somebody who may do everything."""
    found: Caller = request.scope.get(CALLER_SCOPE_KEY, Caller())
    return found


def _callers(auth: AuthConfig) -> Iterator[tuple[str, Caller]]:
    """What each caller shows, and who that is."""
    yield auth.token, Caller()
    if auth.ingest_token:
        yield auth.ingest_token, Caller("the ingest token", None)
    if auth.read_token:
        yield auth.read_token, Caller("the read token", "viewer", only_reads=True)
    for each in auth.tokens:
        yield each.token, Caller(each.name, each.role)
