"""What a page in a browser asks beside Streamlit's own connection: whether the collector answers."""

import re
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from controlsurface.ui.data.collector_health import HEALTH

HEALTH_PATH = "/collector-health"
MAX_OFFSET_MINUTES = 14 * 60  # that a zone is from UTC
_MINUTES = re.compile(r"-?\d{1,3}", re.ASCII)


class CollectorHealthMiddleware:
    """Answers HEALTH_PATH with a sentence for the page, empty while all is well; everything else passes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope`."""
        if scope["type"] != "http" or scope["path"] != HEALTH_PATH:
            return await self.app(scope, receive, send)
        since = await run_in_threadpool(HEALTH.silent_since)
        moment = _local_text(since, scope["query_string"]) if since else ""
        notice = (
            f"No answer from the collector since {moment}. What is shown below is from before; "
            "nothing is lost, senders keep what was not answered. This page goes on by itself."
            if since
            else ""
        )
        return await JSONResponse({"notice": notice}, headers={"Cache-Control": "no-store"})(scope, receive, send)


def _local_text(at: datetime, query: bytes) -> str:
    """A moment in the zone of the page that asks, which says how many `minutes` its clock is ahead of UTC."""
    given = parse_qs(query.decode("latin-1")).get("minutes", [""])[0]
    minutes = int(given) if _MINUTES.fullmatch(given) else 0
    zone = timezone(timedelta(minutes=minutes if abs(minutes) <= MAX_OFFSET_MINUTES else 0))
    return f"{at.astimezone(zone):%b %d %H:%M:%S %Z}"
