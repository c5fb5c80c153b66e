"""Results that are kept: in sections of one session's, and as answers that all sessions share for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from time import monotonic
from typing import Any, Generic, TypeVar

T = TypeVar("T")


KeptResults = dict[Hashable, tuple[float, float, Any]]  # by key: when it was asked for, its size, the result


@dataclass(frozen=True, slots=True)
class _Section:
    """Results of one version of what they were made from."""

    version: object
    results: KeptResults


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How much of a section is kept, and for how long."""

    keep_s: float = inf
    most: int = 1  # results
    size: float = inf  # of all together


class ResultCache:
    """The newest results. Two who ask for one at the same time both make it: neither waits for, or fails with, another.

    The two share no budget: what stops the one must not stop the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sections: dict[str, _Section] = {}

    def get(
        self,
        section: str,
        key: Hashable,
        make: Callable[[], T],
        room: CachePolicy,
        size: Callable[[T], float] = lambda _: 0,
        version: object = None,
    ) -> T:
        """The result, made where there is none of this version, or none that is young enough."""
        now = monotonic()
        with self._lock:
            kept = self._of(section, version).results.get(key)
        if kept and now - kept[0] <= room.keep_s:
            found: T = kept[2]
            return found
        made = make()
        with self._lock:
            results = self._of(section, version).results | {key: (now, size(made), made)}
            self._sections[section] = _Section(version, _newest(results, room))
        return made

    def forget(self) -> None:
        """Let everything be made anew."""
        with self._lock:
            self._sections.clear()

    def _of(self, name: str, version: object) -> _Section:
        """The section; an empty one where what is kept is of another version."""
        section = self._sections.get(name)
        return section if section and section.version is version else _Section(version, {})


def _newest(results: KeptResults, room: CachePolicy) -> KeptResults:
    """The newest results, as many as there is room for."""
    if len(results) <= room.most and room.size == inf:
        return results
    found, left = KeptResults(), room.size
    for key, kept in sorted(results.items(), key=lambda each: -each[1][0])[: room.most]:
        if kept[1] <= left:
            left -= kept[1]
            found[key] = kept
    return found


class _AskerStopped(Exception):
    """Whoever asked was stopped, which is nothing to those who wait for the answer."""


class SharedResults(Generic[T]):
    """The latest `most` answers, each for `keep` from when it was asked for."""

    def __init__(self, keep: timedelta, most: int) -> None:
        self._keep_s, self._most = keep.total_seconds(), most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Future[T]]] = OrderedDict()

    def of(self, questions: Sequence[str], ask: Callable[[Sequence[str]], Mapping[str, T]]) -> list[T]:
        """The answers, in order; `ask` answers, all at once, those that nobody has asked. What it raises is raised."""
        while True:
            try:
                return self._of(questions, ask)
            except _AskerStopped:
                continue

    def _of(self, questions: Sequence[str], ask: Callable[[Sequence[str]], Mapping[str, T]]) -> list[T]:
        """The same; _AskerStopped where another was asking and did not come to the end."""
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
        """Ask, and tell all who wait; a failure is told to them, not kept. What stops a thread stops only that one."""
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
                    future.set_exception(problem if isinstance(problem, Exception) else _AskerStopped())
            raise
