"""Work for one caller, in a thread: within its time, and only as long as the caller is there."""

import asyncio
from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from controlsurface.store.budget import Budget, spending


async def run(
    work: Callable[[Request], Response], request: Request, limiter: CapacityLimiter, seconds: float
) -> Response:
    """The answer. When the caller closes the connection its statements are stopped, and what waits is not begun."""

    def checked(asked: Request) -> Response:
        budget.check()
        return work(asked)

    with spending(Budget(seconds)) as budget:
        watch = asyncio.ensure_future(_until_gone(request, budget))
        try:
            return await to_thread.run_sync(checked, request, limiter=limiter)
        finally:
            watch.cancel()


async def _until_gone(request: Request, budget: Budget) -> None:
    """Wait for the caller to go, then stop what is done for it."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    budget.cancel()
