"""Answers that all sessions share for a while; who asks what another asks at that moment waits for the same answer."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedResults(Generic[T]):
    """The latest `most` answers, each for `keep` from when it was asked for."""

    def __init__(self, keep: timedelta, most: int) -> None:
        self._keep_s, self._most = keep.total_seconds(), most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Future[T]]] = OrderedDict()

    def of(self, questions: Sequence[str], ask: Callable[[Sequence[str]], Mapping[str, T]]) -> list[T]:
        """The answers, in order; `ask` answers, all at once, those that nobody has asked. What it raises is raised."""
        with self._lock:
            now = monotonic()
            self._drop_old(now)
            mine = {each: Future[T]() for each in dict.fromkeys(questions) if each not in self._known}
            self._known.update((name, (now, future)) for name, future in mine.items())
            found = [self._known[each][1] for each in questions]
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        if mine:
            self._fill(mine, ask)
        return [each.result() for each in found]

    def forget(self) -> None:
        """Let everything be asked anew."""
        with self._lock:
            self._known.clear()

    def _drop_old(self, now: float) -> None:
        """Forget what was asked too long ago; the oldest come first."""
        while self._known and now - next(iter(self._known.values()))[0] >= self._keep_s:
            self._known.popitem(last=False)

    def _fill(self, mine: Mapping[str, Future[T]], ask: Callable[[Sequence[str]], Mapping[str, T]]) -> None:
        """Ask, and tell all who wait; a failure is told to them and not kept."""
        try:
            told = ask([*mine])
            for name, future in mine.items():
                future.set_result(told[name])
        except BaseException as problem:
            with self._lock:
                for name, future in mine.items():
                    if self._known.get(name, (0, None))[1] is future:
                        del self._known[name]
            for future in mine.values():
                if not future.done():
                    future.set_exception(problem)
            raise
