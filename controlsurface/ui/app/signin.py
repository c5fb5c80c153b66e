"""Who may see the dashboard when it listens elsewhere than on loopback: whoever knows a token, until they sign out."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.config.server_access import AuthConfig
from controlsurface.errors import Throttled
from controlsurface.html_templates import template_beside
from controlsurface.ui.data import visitor
from controlsurface.ui.data.visitor import COOKIE_NAME
from controlsurface.web.refusal_counter import RefusalCounter
from controlsurface.web.request_guard import POLICY_VIOLATION, client_address
from controlsurface.web.token_check import TokenCheck

SIGNED_OUT_PAGE = Path(__file__).with_name("signout.html")
PUBLIC_PATHS = ("/_stcore/health", "/app/static/")  # what a supervisor and the form itself need
SIGN_OUT_PATH = "/signout"
MAX_FORM_BYTES = 8192
WRONG_LOGIN_TEXT = "That is not the token. It is auth.token in the server's configuration, or your own in auth.tokens."


class SignInMiddleware:
    """Lets requests and websockets through that carry the cookie a right token has set; others get a form."""

    def __init__(
        self,
        app: ASGIApp,
        tokens: Iterable[str],
        auth: AuthConfig | None = None,
        refusals: RefusalCounter | None = None,
    ) -> None:
        self.app = app
        self._auth = auth or AuthConfig()
        self._tokens = tuple(tokens)
        self._check = TokenCheck(
            ((each, each) for each in self._tokens), self._auth, refusals or RefusalCounter("dashboard")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope` if it is signed in, or if it needs no signing in."""
        if scope["type"] == "lifespan" or scope["path"].startswith(PUBLIC_PATHS):
            return await self.app(scope, receive, send)
        known = self._known(HTTPConnection(scope))
        if known and scope["path"] == SIGN_OUT_PATH:
            return await _sign_out_page(Request(scope, receive))(scope, receive, send)
        if known:
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return await (await self._welcome(Request(scope, receive)))(scope, receive, send)

    def _known(self, connection: HTTPConnection) -> bool:
        shown = connection.cookies.get(COOKIE_NAME, "")
        return bool(visitor.cookie_owner(shown, self._tokens, self._auth.session_age.total_seconds()))

    async def _welcome(self, request: Request) -> Response:
        if request.method != "POST":
            return _form(_target(request), "")
        return self._judge(request, (await _body(request)).get("token", [""])[0])

    def _judge(self, request: Request, given: str) -> Response:
        """A cookie for the right token, the form again for a wrong one."""
        try:
            token = self._check.owner(client_address(request.scope), given.encode())
        except Throttled as problem:
            waiting = {"Retry-After": str(problem.retry_after_s)}
            return _form(_target(request), f"{problem}.", problem.status, waiting)
        if token is None:
            return _form(_target(request), WRONG_LOGIN_TEXT)
        response = RedirectResponse(_target(request), status_code=303)
        age_s = round(self._auth.session_age.total_seconds())
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE_NAME, visitor.issue_cookie(token), age_s, httponly=True, samesite="lax", secure=secure
        )
        return response


def _sign_out_page(request: Request) -> Response:
    """Ask whether to sign out; a POST does it, for a GET changes nothing."""
    if request.method != "POST":
        return HTMLResponse(SIGNED_OUT_PAGE.read_text("utf-8"), headers={"Cache-Control": "no-store"})
    visitor.revoke_cookie(request.cookies.get(COOKIE_NAME, ""))
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(COOKIE_NAME)
    return response


async def _body(request: Request) -> dict[str, list[str]]:
    """The fields of the form; what is longer than MAX_FORM_BYTES is not ours, and is not read."""
    read = b""
    async for chunk in request.stream():
        read += chunk
        if len(read) > MAX_FORM_BYTES:
            return {}
    return parse_qs(read.decode("utf-8", "replace"))


def _target(request: Request) -> str:
    """The page that was asked for, on this server: never another host's, and never the way out again."""
    path = "/" + urlsplit(request.url.path).path.lstrip("/\\")
    path = "/" if path == SIGN_OUT_PATH else path
    return quote(path) + (f"?{request.url.query}" if request.url.query else "")


def _form(target: str, problem: str, status: int = 401, more: dict[str, str] | None = None) -> HTMLResponse:
    page = template_beside(__file__).render(target=target, problem=problem)
    return HTMLResponse(page, status_code=status, headers={"Cache-Control": "no-store", **(more or {})})
