"""Who may see the dashboard when it listens elsewhere than on loopback: whoever knows the token."""

import hmac
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.ui.visitor import COOKIE, proof

FORM = Path(__file__).with_name("signin.html")
OPEN = ("/_stcore/health", "/app/static/")  # what a supervisor and the form itself need
YEAR = 31_536_000
LONGEST = 8192  # bytes of a form
POLICY_VIOLATION = 1008


class SignIn:
    """Lets requests and websockets through that carry the cookie a right token has set; others get a form."""

    def __init__(self, app: ASGIApp, tokens: Iterable[str]) -> None:
        self.app = app
        self.proofs = {proof(each) for each in tokens}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope` if it is signed in, or if it needs no signing in."""
        if scope["type"] == "lifespan" or scope["path"].startswith(OPEN) or self._known(HTTPConnection(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await (await self._welcome(Request(scope, receive)))(scope, receive, send)

    def _known(self, connection: HTTPConnection) -> bool:
        return self._proven(connection.cookies.get(COOKIE, ""))

    def _proven(self, shown: str) -> bool:
        """Whether it is the proof of a known token; takes as long for a near miss as for a far one."""
        return sum(hmac.compare_digest(shown.encode(), each.encode()) for each in self.proofs) > 0

    async def _welcome(self, request: Request) -> Response:
        if request.method != "POST":
            return _form(_target(request), "")
        return self._judge(request, (await _body(request)).get("token", [""])[0])

    def _judge(self, request: Request, given: str) -> Response:
        """A cookie for the right token, the form again for a wrong one."""
        if not self._proven(proof(given)):
            return _form(_target(request), "That is not the token. It is auth.token in the server's configuration.")
        response = RedirectResponse(_target(request), status_code=303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, proof(given), max_age=YEAR, httponly=True, samesite="lax", secure=secure)
        return response


async def _body(request: Request) -> dict[str, list[str]]:
    """The fields of the form; what is longer than LONGEST is not ours, and is not read."""
    read = b""
    async for chunk in request.stream():
        read += chunk
        if len(read) > LONGEST:
            return {}
    return parse_qs(read.decode("utf-8", "replace"))


def _target(request: Request) -> str:
    """The page that was asked for, on this server: never another host's."""
    path = "/" + urlsplit(request.url.path).path.lstrip("/\\")
    return quote(path) + (f"?{request.url.query}" if request.url.query else "")


def _form(target: str, problem: str) -> HTMLResponse:
    page = FORM.read_text("utf-8").replace("{target}", escape(target)).replace("{problem}", escape(problem))
    return HTMLResponse(page, status_code=401, headers={"Cache-Control": "no-store"})
