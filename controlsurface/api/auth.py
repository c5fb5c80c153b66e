"""Who asks, by the bearer token, and what their role may do."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.api.problems import problem
from controlsurface.config import Auth, Role
from controlsurface.errors import Forbidden

CALLER = "controlsurface.caller"

_OPEN = ("/healthz", "/readyz")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; an empty name is somebody the server cannot tell from others."""

    name: str = ""
    role: Role = "admin"

    def may(self, role: Role) -> None:
        """Nothing, where this caller has at least that role. Raises Forbidden."""
        ranks = get_args(Role)
        if ranks.index(self.role) < ranks.index(role):
            raise Forbidden(f"{self.name} is {self.role}; this takes the role {role}")


class BearerToken:
    """ASGI middleware: without `Authorization: Bearer TOKEN` there is only 401; with it the scope knows the caller."""

    def __init__(self, app: ASGIApp, auth: Auth) -> None:
        self._app = app
        self._known = dict(_callers(auth))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what may pass."""
        if scope["type"] != "http" or scope["path"] in _OPEN:
            return await self._app(scope, receive, send)
        caller = self._caller(scope)
        if caller is None:
            detail = "this server asks for `Authorization: Bearer TOKEN`"
            answer = problem(401, "Not authorised", detail, headers={"WWW-Authenticate": "Bearer"})
            return await answer(scope, receive, send)
        return await self._app({**scope, CALLER: caller}, receive, send)

    def _caller(self, scope: Scope) -> Caller | None:
        """Whose token it is; takes as long for a near miss as for a far one."""
        given = Headers(scope=scope).get("authorization", "").encode()
        found = [caller for wanted, caller in self._known.items() if secrets.compare_digest(given, wanted)]
        return found[0] if found else None


def caller(request: Request) -> Caller:
    """Who asks; where no token is wanted, somebody who may do everything."""
    found: Caller = request.scope.get(CALLER, Caller())
    return found


def _callers(auth: Auth) -> Iterator[tuple[bytes, Caller]]:
    """What each caller shows, and who that is."""
    yield f"Bearer {auth.token}".encode(), Caller()
    for each in auth.tokens:
        yield f"Bearer {each.token}".encode(), Caller(each.name, each.role)
