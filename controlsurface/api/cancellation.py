"""Work for one caller, in a thread: within its time, and only as long as the caller is there."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from controlsurface.store.query_budget import QueryBudget, spend_budget
from controlsurface.web.work_pools import WorkPool


async def run_for_caller(
    work: Callable[[Request], Response], request: Request, pool: WorkPool, seconds: float
) -> Response:
    """The answer. When the caller closes the connection its statements are stopped, and what waits is not begun."""

    def checked() -> Response:
        budget.check()
        return work(request)

    with spend_budget(QueryBudget(seconds)) as budget:
        watch = asyncio.ensure_future(_until_gone(request, budget))
        try:
            return await pool.run(checked)
        finally:
            watch.cancel()


async def _until_gone(request: Request, budget: QueryBudget) -> None:
    """Wait for the caller to go, then stop what is done for it."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    budget.cancel()
