"""What a page in a browser asks beside Streamlit's own connection: whether the collector answers."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.ui.data.collector_health import HEALTH

HEALTH_PATH = "/collector-health"


class CollectorHealthMiddleware:
    """Answers HEALTH_PATH with a sentence for the page, empty while all is well; everything else passes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope`."""
        if scope["type"] != "http" or scope["path"] != HEALTH_PATH:
            return await self.app(scope, receive, send)
        since = await run_in_threadpool(HEALTH.silent_since)
        notice = (
            f"No answer from the collector since {since:%b %d %H:%M:%S} UTC. What is shown below is from before; "
            "nothing is lost, senders keep what was not answered. This page goes on by itself."
            if since
            else ""
        )
        return await JSONResponse({"notice": notice}, headers={"Cache-Control": "no-store"})(scope, receive, send)
