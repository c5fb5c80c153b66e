"""The dashboard as a server: Streamlit's own, with what it leaves out."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.content import DASHBOARDS
from controlsurface.ui.app.scripts import hashes
from controlsurface.ui.app.signin import SignIn
from controlsurface.ui.front import DarkUnlessChosen
from controlsurface.ui.visitor import people
from controlsurface.web import headers
from controlsurface.web.border import Border
from controlsurface.web.environment import Access
from controlsurface.web.hosts import HostPolicy
from controlsurface.web.refusals import Refusals


class OwnOrigin:
    """Tells Streamlit that a websocket is a page's of our own: the border has decided which may open one.

    Streamlit 1.67 would compare an origin that the configuration names with this machine's address, and ask the
    internet for it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope` as one of our own."""
        if scope["type"] == "websocket":
            own = b"http://" + dict(scope["headers"]).get(b"host", b"")
            headers_ = [(name, own if name == b"origin" else value) for name, value in scope["headers"]]
            scope = {**scope, "headers": headers_}
        await self.app(scope, receive, send)


ACCESS = Access.told()
REFUSALS = Refusals("dashboard")
TOKENS = tuple(people())

app = st.App(
    DASHBOARDS / "app.py",
    middleware=[
        Middleware(
            Border,
            policy=HostPolicy.of(ACCESS.host, ACCESS.server),
            refusals=REFUSALS,
            headers=headers.dashboard(hashes(), ACCESS.server.frame_ancestors),
        ),
        # Streamlit leaves its own bundles uncompressed: 10 MB where 3 do.
        Middleware(GZipMiddleware, compresslevel=5),
        *([Middleware(SignIn, tokens=TOKENS, auth=ACCESS.auth, refusals=REFUSALS)] if TOKENS else []),
        Middleware(OwnOrigin),
        Middleware(DarkUnlessChosen),
    ],
)
