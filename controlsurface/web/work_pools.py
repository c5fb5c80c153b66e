"""Threads for blocking work, in pools that do not wait for each other, each with an end to its queue."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from controlsurface.errors import Busy
from controlsurface.web.refusal_counter import RefusalCounter

T = TypeVar("T")


class WorkPool:
    """At most `threads` pieces of work at once, and `waiting` that wait for them; None: any number."""

    def __init__(self, name: str, threads: int, refusals: RefusalCounter, waiting: int | None = None) -> None:
        self.name = name
        self._limiter = CapacityLimiter(threads)
        self._waiting = waiting
        self._refusals = refusals

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises Busy where too many wait already."""
        busy = self._limiter.statistics()
        if self._waiting is not None and not self._limiter.available_tokens and busy.tasks_waiting >= self._waiting:
            text = f"{busy.borrowed_tokens} {self.name} are being answered and {busy.tasks_waiting} wait"
            self._refusals.add("queries", text)
            raise Busy(f"{text}; try again, or ask less at once")
        return await to_thread.run_sync(work, limiter=self._limiter)
