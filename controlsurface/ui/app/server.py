"""The dashboard as a server: Streamlit's own, with what it leaves out."""

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.ui.app.document_scripts import DocumentScriptsMiddleware, script_hashes
from controlsurface.ui.app.health_endpoint import CollectorHealthMiddleware
from controlsurface.ui.app.signin import SignInMiddleware
from controlsurface.ui.data.visitor import users_by_token
from controlsurface.web import request_guard
from controlsurface.web.dashboard_access import DashboardAccess
from controlsurface.web.refusal_counter import RefusalCounter
from controlsurface.web.request_guard import HostPolicy, RequestGuard


class OwnOriginCheck:
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


ACCESS = DashboardAccess.told()
REFUSALS = RefusalCounter("dashboard")
TOKENS = tuple(users_by_token())

app = st.App(
    DASHBOARDS / "app.py",
    middleware=[
        Middleware(
            RequestGuard,
            policy=HostPolicy.of(ACCESS.host, ACCESS.server),
            refusals=REFUSALS,
            headers=request_guard.dashboard_headers(script_hashes(), ACCESS.server.frame_ancestors),
        ),
        # Streamlit leaves its own bundles uncompressed: 10 MB where 3 do.
        Middleware(GZipMiddleware, compresslevel=5),
        *([Middleware(SignInMiddleware, tokens=TOKENS, auth=ACCESS.auth, refusals=REFUSALS)] if TOKENS else []),
        Middleware(CollectorHealthMiddleware),
        Middleware(OwnOriginCheck),
        Middleware(DocumentScriptsMiddleware),
    ],
)
