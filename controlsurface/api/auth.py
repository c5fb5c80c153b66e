"""The bearer token, asked of everyone when the configuration has one."""

import secrets

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.api.problems import problem

_OPEN = ("/healthz", "/readyz")


class BearerToken:
    """ASGI middleware: without `Authorization: Bearer TOKEN` there is only 401."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what may pass."""
        if scope["type"] == "http" and scope["path"] not in _OPEN and not self._known(scope):
            detail = "this server asks for `Authorization: Bearer TOKEN`"
            answer = problem(401, "Not authorised", detail, headers={"WWW-Authenticate": "Bearer"})
            return await answer(scope, receive, send)
        return await self._app(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        """Whether the caller has the token; takes as long for a near miss as for a far one."""
        return secrets.compare_digest(Headers(scope=scope).get("authorization", "").encode(), self._wanted)
