"""Queries and commands, one class each, and what a client must do with them wherever the store is."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar, get_type_hints
from urllib.parse import quote

import pyarrow as pa

from controlsurface.client.arrow_tables import NO_COLUMNS
from controlsurface.client.result_cache import ResultCache
from controlsurface.config import Config, LaneConfig, Role
from controlsurface.lanes.lane_assignment import LaneAssignment
from controlsurface.query.arguments import Arguments
from controlsurface.query.statement import Statement
from controlsurface.store.duckdb import QuerySession
from controlsurface.store.named_query import Parameters, StateSql
from controlsurface.store.query_budget import QueryStat
from controlsurface.store.snapshot import SnapshotTaker

Form = Literal["named", "single", "bare", "facts"]
PoolName = Literal["queries", "routers"]  # what routers ask for on the way of a request waits for no query

_IN_PATH = re.compile(r"{(\w+)(?::path)?}")


@dataclass(frozen=True)
class Result:
    """Rows, and the facts beside them (what JSON can say)."""

    rows: pa.Table
    facts: Mapping[str, Any] = field(default_factory=dict)


R = TypeVar("R", bound=Result)
T = TypeVar("T")


class ResultFact(Generic[T]):
    """A fact of an answer as its attribute."""

    def __set_name__(self, _: type[Result], name: str) -> None:
        """Remember which."""
        self._name = name

    def __get__(self, answer: Result, _: type[Result]) -> T:
        """The fact."""
        found: T = answer.facts[self._name]
        return found


class NoArguments(Arguments):
    """No arguments."""


NO_ARGUMENTS = NoArguments()


class LaneAssignments(Protocol):
    """Knows the lanes, and can put a model into one."""

    @property
    def config(self) -> Config:
        """The configuration in force, its lanes cheap to dear."""

    def in_force(self) -> Mapping[str, LaneConfig]:
        """The lanes with their models, written or assumed."""

    def claim(self, claim: LaneAssignment) -> None:
        """Put a model into a lane. Raises UnknownName, BadRequest, ConfigError."""


class StoreSession(Protocol):
    """What a query or command stands on in the process that owns the store."""

    @property
    def config(self) -> Config:
        """The configuration of that process."""

    @property
    def lanes(self) -> LaneAssignments | None:
        """The lanes in force; None where nobody could change them."""

    @property
    def cache(self) -> ResultCache:
        """What is kept between queries."""

    def counters(self) -> Mapping[str, int]:
        """The receivers' counters."""

    def rows(self, statement: Statement) -> pa.Table:
        """Run a query; its times are UTC and say so. Raises TooSlow."""

    def state(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Read state tables; times are UTC and say so. Raises TooSlow."""

    def session(self) -> AbstractContextManager[QuerySession]:
        """Several queries over one state of the store, which may keep rows in between."""

    @property
    def query_stats(self) -> Mapping[str, QueryStat]:
        """Runs and seconds of data queries, by name."""

    def write(self, statements: Sequence[StateSql]) -> None:
        """Run statements for their effect, in one transaction."""

    @property
    def snapshots(self) -> SnapshotTaker | None:
        """What copies the database; None where it is in memory."""


@dataclass(frozen=True, slots=True)
class ReadEndpoint:
    """Where a server answers a query to GET, and what the answer looks like.

    `path` has the query's own fields in braces. JSON has the rows under `rows` beside the facts (named), the one row
    alone (single), the rows alone (bare) or no rows (facts); `row` is what it makes of each. `schema` names columns
    that rows have, `facts` what stands beside them. `tag` names the fact that is an entity tag.
    """

    path: str
    name: str
    summary: str
    schema: pa.Schema = NO_COLUMNS
    facts: pa.Schema = NO_COLUMNS
    rows: str = "rows"
    form: Form = "named"
    row: Callable[[Mapping[str, Any]], Any] = dict
    arrow: bool = True
    tag: str = ""
    problems: tuple[str, ...] = ()
    pool: PoolName = "queries"


@dataclass(frozen=True, slots=True)
class WriteEndpoint:
    """Where a server takes a command's body, and what it answers with `status`.

    `role` is the least that may do it; `author` the field of the body that is a caller's name, where the caller has
    one; `tag` names the part of the answer that is its entity tag.
    """

    path: str
    name: str
    summary: str
    schema: pa.Schema
    method: Literal["POST", "PUT", "DELETE"] = "POST"
    role: Role = "operator"
    status: int = 201
    author: str = ""
    tag: str = ""
    problems: tuple[str, ...] = ()
    heavy: bool = False  # looks through many requests, and so waits its turn among the queries


class Query(Generic[R]):
    """A dataclass with `arguments`, which stand behind the question mark, and a field for each name in the path."""

    __slots__ = ()
    endpoint: ClassVar[ReadEndpoint]
    result: ClassVar[type[Any]] = Result
    arguments: Arguments

    @property
    def path(self) -> str:
        """The address, with its own parts filled in and quoted."""
        return _filled(self.endpoint.path, self)

    def run(self, session: StoreSession) -> R:
        """The answer, where the store is."""
        raise NotImplementedError


@dataclass(frozen=True)
class PlainQuery(Query[R]):
    """A query without arguments and without names in its path: what derives from it adds no field."""

    arguments: NoArguments = NO_ARGUMENTS


class Command:
    """A dataclass with `body`, which is sent, and a field for each name in the path."""

    __slots__ = ()
    endpoint: ClassVar[WriteEndpoint]
    body: Arguments

    @property
    def path(self) -> str:
        """The address, with its own parts filled in and quoted."""
        return _filled(self.endpoint.path, self)

    @property
    def conditions(self) -> Mapping[str, str]:
        """Headers that say on what the change rests, such as If-Match."""
        return {}

    @classmethod
    def received(cls, body: Arguments, caller: str, headers: Mapping[str, str], /, **fields: Any) -> Self:  # noqa: ARG003
        """The command as a server takes it; a caller with a name is the author, whatever the body says.

        `fields` are the names in the path; some commands take conditions from the headers.
        """
        author = cls.endpoint.author
        named = body.model_copy(update={author: caller}) if author and caller else body
        return cls(body=named, **fields)  # type: ignore[call-arg] # the fields of a dataclass

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Make the change where the store is; what it came to. Once it returns, the change is on the disk."""
        raise NotImplementedError


class SupportsQueries(Protocol):
    """Whoever can be asked: a reader."""

    def run(self, query: Query[R]) -> R:
        """The answer."""


def _filled(path: str, values: object) -> str:
    """The path with its own fields in it."""
    return _IN_PATH.sub(lambda found: quote(str(getattr(values, found[1])), safe=""), path)


def arguments_of(query: type[Query[Any]]) -> type[Arguments]:
    """What a query's arguments are."""
    found: type[Arguments] = get_type_hints(query)["arguments"]
    return found


def body_of(command: type[Command]) -> type[Arguments]:
    """What a command's body is."""
    found: type[Arguments] = get_type_hints(command)["body"]
    return found


class Client(Protocol):
    """Times go in as aware datetimes and come out as UTC timestamps; ids are lower-case hex; unknown is null.

    Errors: BadRequest and UnknownName for arguments, NotFound, Busy when a query took too long, and Unreachable when
    the server is not there.
    """

    def run(self, query: Query[R]) -> R:
        """The answer to a query."""

    def execute(self, command: Command) -> Mapping[str, Any]:
        """Make a change; what it came to. Raises Forbidden, Conflict, NotFound."""

    def health(self) -> tuple[str, ...]:
        """Why the server takes no traffic at the moment; empty when it does."""

    def close(self) -> None:
        """Give the store or the connection back."""
