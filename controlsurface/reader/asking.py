"""Questions and orders of parts above the readers: met where the store is, or by the server that has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from controlsurface.config import Config
from controlsurface.metrics.arguments import Arguments
from controlsurface.metrics.statement import Statement
from controlsurface.store.named_query import Parameters, StateSql
from controlsurface.store.query_stats import QueryStat


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and the facts beside them (what JSON can say)."""

    rows: pa.Table
    facts: Mapping[str, Any] = field(default_factory=dict)


class Ground(Protocol):
    """What a question stands on in the process that owns the store."""

    @property
    def config(self) -> Config:
        """The configuration of that process."""
        ...

    @property
    def query_stats(self) -> Mapping[str, QueryStat]:
        """Runs and seconds of data queries, by name."""
        ...

    def rows(self, statement: Statement) -> pa.Table:
        """Run a query; its times are UTC and say so. Raises TooSlow."""
        ...

    def state(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Read state tables; times are UTC and say so. Raises TooSlow."""
        ...

    def keep(self, statements: Sequence[StateSql]) -> None:
        """Run statements for their effect, in one transaction."""
        ...


class Question(Protocol):
    """`path` and `arguments` are the address at which a server answers the same."""

    @property
    def path(self) -> str:
        """The address, with its own parts filled in and quoted."""
        ...

    @property
    def arguments(self) -> Arguments:
        """What stands behind the question mark."""
        ...

    def answered(self, ground: Ground) -> Answer:
        """The answer, where the store is."""
        ...


class Order(Protocol):
    """A change. `method`, `path`, `body` and `headers` are what a server is sent for it; JSON comes back."""

    @property
    def method(self) -> str:
        """POST, PUT or DELETE."""
        ...

    @property
    def path(self) -> str:
        """The address, with its own parts filled in and quoted."""
        ...

    @property
    def body(self) -> Arguments:
        """What is sent."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Conditions, such as If-Match."""
        ...

    def done(self, ground: Ground) -> Mapping[str, Any]:
        """Make the change where the store is; what it came to. Once it returns, the change is on the disk."""
        ...
