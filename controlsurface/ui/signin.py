"""Who may see the dashboard when it listens elsewhere than on loopback: whoever knows the token."""

import hmac
from hashlib import sha256
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "controlsurface"
FORM = Path(__file__).with_name("signin.html")
OPEN = ("/_stcore/health", "/app/static/")  # what a supervisor and the form itself need
YEAR = 31_536_000
LONGEST = 8192  # bytes of a form
POLICY_VIOLATION = 1008


class SignIn:
    """Lets requests and websockets through that carry the cookie a right token has set; others get a form."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token
        self.proof = hmac.new(token.encode(), b"dashboard cookie", sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope` if it is signed in, or if it needs no signing in."""
        if scope["type"] == "lifespan" or scope["path"].startswith(OPEN) or self._known(HTTPConnection(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await (await self._welcome(Request(scope, receive)))(scope, receive, send)

    def _known(self, connection: HTTPConnection) -> bool:
        return hmac.compare_digest(connection.cookies.get(COOKIE, "").encode(), self.proof.encode())

    async def _welcome(self, request: Request) -> Response:
        if request.method != "POST":
            return _form(_target(request), "")
        return self._judge(request, (await _body(request)).get("token", [""])[0])

    def _judge(self, request: Request, given: str) -> Response:
        """A cookie for the right token, the form again for a wrong one."""
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return _form(_target(request), "That is not the token. It is auth.token in the server's configuration.")
        response = RedirectResponse(_target(request), status_code=303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, self.proof, max_age=YEAR, httponly=True, samesite="lax", secure=secure)
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
