"""One address that answers a GET."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from controlsurface.metrics.arguments import Arguments
from controlsurface.reader import Reader

Path = Mapping[str, Any]
PoolName = Literal["queries", "routers"]  # what routers ask for on the way of a request waits for no query


@dataclass(frozen=True, slots=True)
class Operation:
    """An address, its arguments, what answers, and the answer's shape."""

    path: str
    summary: str
    arguments: type[Arguments]
    answer: Callable[[Reader, Any, Path], Any]
    shape: Mapping[str, Any]
    arrow: bool = True
    problems: tuple[str, ...] = ()
    pool: PoolName = "queries"
