"""What a session keeps between queries: results of several sections, each with its own room."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Section:
    """Results by key, each with when it was asked for and its size, of one version of what they were made from."""

    version: object
    results: dict[Hashable, tuple[float, float, Any]]


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


def _newest(
    results: dict[Hashable, tuple[float, float, Any]], room: CachePolicy
) -> dict[Hashable, tuple[float, float, Any]]:
    """The newest results, as many as there is room for."""
    if len(results) <= room.most and room.size == inf:
        return results
    found, left = dict[Hashable, tuple[float, float, Any]](), room.size
    for key, kept in sorted(results.items(), key=lambda each: -each[1][0])[: room.most]:
        if kept[1] <= left:
            left -= kept[1]
            found[key] = kept
    return found
