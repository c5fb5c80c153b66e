"""What every reader of the store can answer, wherever the store is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.metrics.claims import Claim
from controlsurface.metrics.contributors import ContributorsArgs
from controlsurface.metrics.events import Event, EventsArgs
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.query import QueryArgs
from controlsurface.metrics.values import DimensionArgs
from controlsurface.money.attribution import AttributionArgs
from controlsurface.reader.asking import Answer, Order, Question
from controlsurface.reader.contributors import Contributors
from controlsurface.reader.listing import RequestsArgs
from controlsurface.reader.rows import records


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """One metric's rows: bucket (with `every`), the dimensions asked for, value, n, and low, high, priced_share.

    `n` counts the stored rows a value rests on. `bucket` is a UTC timestamp; a bucket without rows is missing, not 0.
    """

    metric: str
    unit: str
    rows: pa.Table
    sql: str
    parameters: Mapping[str, Any]
    elapsed_ms: float
    source: str = "raw"


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests, and the cursor that asks for those after them (None: there are no more)."""

    rows: pa.Table
    next: str | None


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """One request with its decision and costs, its attempts in order of time, and what was evaluated of it."""

    row: pa.Table
    attempts: pa.Table
    evaluations: pa.Table

    @property
    def request(self) -> Mapping[str, Any]:
        """The request's row."""
        return records(self.row)[0]

    def as_table(self) -> pa.Table:
        """All of it in one row: a struct and two lists of structs."""
        request = self.row.to_struct_array().combine_chunks()
        return pa.table(
            [request, _listed(self.attempts), _listed(self.evaluations)], ["request", "attempts", "evaluations"]
        )

    @staticmethod
    def of(table: pa.Table) -> "RequestDetail":
        """The inverse of `as_table`."""
        request, attempts, evaluations = table.columns
        flat: tuple[Any, ...] = (request, pc.list_flatten(attempts), pc.list_flatten(evaluations))
        return RequestDetail(*map(pa.Table.from_struct_array, flat))


@dataclass(frozen=True, slots=True)
class Ingest:
    """What happened to everything that was sent. Counts are spans; `counters` holds the receivers' further ones."""

    received: int
    accepted: int
    rejected: int
    duplicate: int
    late: int
    unrecognised: int
    pending: int
    lag_ms: float
    last_accepted_at: datetime | None
    counters: Mapping[str, int]


class Reader(Protocol):
    """Times go in as aware datetimes and come out as UTC timestamps; ids are lower-case hex; unknown is null.

    Errors: BadRequest and UnknownName for arguments, NotFound, Busy when a query took too long, and Unreachable when
    the server is not there.
    """

    def metrics(self) -> list[Metric]:
        """The catalogue, in its order."""
        ...

    def query(self, args: QueryArgs) -> QueryAnswer:
        """One metric over a window, by dimensions and time step."""
        ...

    def distribution(self, args: DistributionArgs) -> pa.Table:
        """Bins of a column: bucket (with `every`), the dimensions, lower, upper, n. Empty bins are missing."""
        ...

    def dimensions(self, args: DimensionArgs) -> pa.Table:
        """Values of dimensions, most frequent first: dimension, value, n, distinct_values (how many, listed or not)."""
        ...

    def attribution(self, args: AttributionArgs) -> pa.Table:
        """A week: the dimensions, requests, attempts, tokens and cost as DECIMAL, priced_share, last_at."""
        ...

    def contributors(self, args: ContributorsArgs) -> Contributors:
        """What is different between a selection and a baseline: the values that explain a metric's change, ranked."""
        ...

    def events(self, args: EventsArgs) -> pa.Table:
        """Changes, told and found in the requests, in order of time: at, kind, title, detail, source."""
        ...

    def tell(self, event: Event) -> None:
        """Keep a change that somebody tells of."""
        ...

    def lanes(self) -> pa.Table:
        """The lanes in force, cheap to dear: name, escalation, models (globs)."""
        ...

    def claim(self, claim: Claim) -> None:
        """Put a model into a lane. Raises UnknownName, BadRequest, and ConfigError where the file cannot be changed."""
        ...

    def requests(self, args: RequestsArgs) -> Page:
        """Single requests that match, a page at a time."""
        ...

    def request(self, request_id: str, near: datetime | None = None) -> RequestDetail:
        """One request; where several carry the id, the newest. A time near its start makes it fast. Raises NotFound."""
        ...

    def trace(self, trace_id: str, near: datetime | None = None) -> Mapping[str, Any]:
        """All spans of a trace as OTLP/JSON. A time near its start makes it fast. Raises NotFound."""
        ...

    def ingest(self) -> Ingest:
        """What was received, and how far it is stored."""
        ...

    def unrecognised(self) -> pa.Table:
        """Attribute keys that no vocabulary reads: key, n, first_seen, last_seen, most frequent first."""
        ...

    def dropped(self) -> pa.Table:
        """Keys under which content was not stored: key, n (values), first_seen, last_seen, most frequent first."""
        ...

    def sources(self) -> pa.Table:
        """Services of the last week: service, spans, first_seen, last_seen, least_delay_ms (below 0: clock ahead)."""
        ...

    def ask(self, question: Question) -> Answer:
        """What a part above the readers wants to know."""
        ...

    def do(self, order: Order) -> Mapping[str, Any]:
        """Make a change for a part above the readers; what it came to. Raises Forbidden, Conflict, NotFound."""
        ...

    def health(self) -> tuple[str, ...]:
        """Why the server takes no traffic at the moment; empty when it does."""
        ...

    def close(self) -> None:
        """Give the store or the connection back."""
        ...


def _listed(rows: pa.Table) -> "pa.ListArray[Any]":
    """A table as one list of structs."""
    structs = rows.to_struct_array().combine_chunks()
    return pa.ListArray.from_arrays(pa.array([0, len(structs)], pa.int32()), structs)
