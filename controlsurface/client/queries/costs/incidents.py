"""Incidents: time that people spent on the router, from a timer, told, or from a file; and what control costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    FLAG,
    MAYBE_TEXT,
    NUMBER,
    SHARE,
    TEXT,
    TIME,
    as_dicts,
    column,
    column_table,
    columns,
    list_of,
)
from controlsurface.client.queries.costs.storage_query import StorageArgs, StorageQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.query_protocol import (
    NO_ARGUMENTS,
    Command,
    NoArguments,
    Query,
    ReadEndpoint,
    Result,
    StoreSession,
    WriteEndpoint,
)
from controlsurface.errors import BadRequest, Conflict, NotFound, UnknownName
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.money.control.control_cost import SpentTime, control_costs
from controlsurface.query.arguments import Arguments, Instant, WeekRange
from controlsurface.query.dimensions import SHARED_DIMENSIONS

INCIDENTS_PATH = "/api/v1/incidents"
MAX_LENGTH = timedelta(days=31)  # of one incident: a longer one is a timer that was forgotten

_COLUMNS = "incident_id, started_at, ended_at, minutes, people, team, note, alert, slice, recorded_by, recorded_at"
_WINDOW = f"""SELECT {_COLUMNS} FROM incidents
WHERE started_at >= $start AND started_at < $end ORDER BY started_at DESC, incident_id"""
_RUNNING = f"""SELECT {_COLUMNS} FROM incidents
WHERE ended_at IS NULL AND minutes IS NULL ORDER BY started_at DESC, incident_id"""
_ONE = f"SELECT {_COLUMNS} FROM incidents WHERE incident_id = $incident_id"
_PUT = f"""INSERT OR REPLACE INTO incidents ({_COLUMNS}) VALUES ($incident_id, $started_at, $ended_at, $minutes,
$people, $team, $note, $alert, $slice, $recorded_by, $recorded_at)"""
_DELETE = "DELETE FROM incidents WHERE incident_id = $incident_id"

_INCIDENT = columns(
    incident_id=TEXT,
    started_at=TIME,
    ended_at=TIME,
    minutes=FIGURE,
    people=COUNT,
    team=MAYBE_TEXT,
    note=TEXT,
    alert=MAYBE_TEXT,
    slice=list_of(TEXT),
    recorded_by=TEXT,
    recorded_at=TIME,
)
_Text = Annotated[str, Field(max_length=2_000)]
_Moment = Annotated[Instant, Field(strict=True)]
_Name = Annotated[str, Field(min_length=1, max_length=200)]
IncidentId = Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")]


class IncidentBody(Arguments):
    """Time that somebody spends or has spent; without an end and without minutes a timer that runs."""

    incident_id: IncidentId | None = Field(None, description="none: a new one; one that is known is replaced")
    started_at: _Moment | None = Field(None, description="none: now")
    ended_at: _Moment | None = Field(None, description="none: it goes on, unless minutes are told")
    minutes: float | None = Field(
        None, ge=0, strict=True, description="of all engineers together; none: from start to end for each"
    )
    people: int = Field(1, ge=1, le=1000, strict=True, description="engineers at work on it")
    team: _Name | None = Field(None, description="whose time it is, for its hourly rate")
    note: _Text = Field("", description="what it was")
    alert: _Name | None = Field(None, description="the rule that told of it")
    slice: tuple[_Name, ...] = Field((), max_length=20, description="what it was about, dimension:value")
    recorded_by: str = Field("", max_length=100, description="who says so; a caller with a name is always taken by it")

    @model_validator(mode="after")
    def _possible(self) -> "IncidentBody":
        """Refuse ends before starts, forgotten timers, and slices that nothing can be broken down by."""
        start, end = self.started_at or datetime.now(UTC), self.ended_at
        if end is not None and not timedelta(0) <= end - start <= MAX_LENGTH:
            raise BadRequest(f"ended_at: {end.isoformat()} is not within {MAX_LENGTH.days} days after started_at")
        for each in self.slice:
            name, colon, value = each.partition(":")
            if not (colon and value):
                raise BadRequest(f"slice: '{each[:80]}' is not dimension:value")
            if name not in SHARED_DIMENSIONS:
                raise UnknownName("dimension", name, SHARED_DIMENSIONS)
        return self


class EndBody(Arguments):
    """The end of a timer."""

    ended_at: _Moment | None = Field(None, description="none: now")
    minutes: float | None = Field(
        None, ge=0, strict=True, description="of all engineers together, where it is not the whole time"
    )
    people: int | None = Field(None, ge=1, le=1000, strict=True, description="engineers at work on it; none: as it was")
    note: _Text | None = Field(None, description="none: as it was")


class IncidentsArgs(WeekRange):
    """When, or which."""

    running: bool = Field(False, description="only those whose timer runs, whenever they began")


class ControlCostArgs(WeekRange):
    """When, and by what."""

    by: str = Field("", max_length=100, description="a dimension, such as lane, task_type, router_version; none: all")

    @model_validator(mode="after")
    def _known(self) -> "ControlCostArgs":
        if self.by and self.by not in SHARED_DIMENSIONS:
            raise UnknownName("dimension", self.by, SHARED_DIMENSIONS)
        return self


@dataclass(frozen=True, slots=True)
class IncidentsQuery(Query[Result]):
    """Incidents that began in the window, or those whose timer runs, the newest first.

    minutes: as told, of all engineers together (null: from started_at to ended_at, times people); ended_at null with
    null minutes: its timer runs.
    """

    endpoint: ClassVar = ReadEndpoint(
        INCIDENTS_PATH, "incidents", "Time that people spent on the router, the newest incident first", _INCIDENT
    )
    arguments: IncidentsArgs = IncidentsArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        if self.arguments.running:
            return Result(session.state(_RUNNING))
        start, end = self.arguments.window
        return Result(session.state(_WINDOW, {"start": start, "end": end}))


@dataclass(frozen=True, slots=True)
class ControlCostQuery(Query[Result]):
    """What control costs: calls and engineers' time, by a dimension, the dearest first; rows add up to the whole.

    Rows: name, assigned (false: the row of incidents that name no value of the dimension), requests, calls_usd with
    priced_share (of calls), incidents, engineer_minutes, engineer_usd with rated_share (of minutes whose team has an
    hourly rate), storage_usd (as in `/api/v1/storage`; null: has no price), total_usd (of what is known),
    usd_per_1000_requests (null where less than 99 % is known: of calls a price, of minutes a rate),
    incidents_per_million. Timers that run are not counted; the fact `running` says how many.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/control-cost",
        "controlCost",
        "What control costs: calls, and the time of engineers on incidents",
        columns(
            name=MAYBE_TEXT,
            assigned=FLAG,
            requests=COUNT,
            calls_usd=FIGURE,
            priced_share=SHARE,
            incidents=NUMBER,
            engineer_minutes=NUMBER,
            engineer_usd=FIGURE,
            rated_share=SHARE,
            storage_usd=FIGURE,
            **dict.fromkeys(("total_usd", "usd_per_1000_requests", "incidents_per_million"), FIGURE),
        ),
        columns(running=column(pa.int64(), minimum=0)),
    )
    arguments: ControlCostArgs = ControlCostArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the metrics cost and requests, and the incidents that began in the window."""
        start, end = self.arguments.window
        by = self.arguments.by or None
        asked = {"start": start, "end": end, "by": (by,) if by else ()}
        costs, requests = (
            as_dicts(MetricQuery(MetricArgs(metric=metric, **asked)).run(session).rows)
            for metric in ("cost", "requests")
        )
        rows = as_dicts(session.state(_WINDOW, {"start": start, "end": end}))
        incidents = [_incident(row) for row in rows]
        storage = _storage(session, start, end, self.arguments.by)
        found = control_costs(costs, requests, incidents, session.config.control, by, storage)
        running = sum(each.engineer_minutes is None for each in incidents)
        return Result(column_table(found, self.endpoint.schema), {"running": running})


def _storage(session: StoreSession, start: datetime, end: datetime, by: str) -> list[dict[str, Any]]:
    """What the window's requests cost in the store; nothing is read where storage has no price."""
    if session.config.control.storage_usd_per_gb_month is None:
        return []
    return as_dicts(StorageQuery(StorageArgs(start=start, end=end, by=by)).run(session).rows)


def _incident(row: Mapping[str, Any]) -> SpentTime:
    names = ("started_at", "ended_at", "minutes", "people", "team", "slice")
    return SpentTime(**{name: row[name] for name in names})


@dataclass(frozen=True, slots=True)
class RecordIncident(Command):
    """Start a timer, or keep time that was spent."""

    endpoint: ClassVar = WriteEndpoint(
        INCIDENTS_PATH,
        "record_incident",
        "Start the timer of an incident, or tell of time that was spent",
        _INCIDENT,
        author="recorded_by",
    )
    body: IncidentBody

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the store; the incident."""
        now = datetime.now(UTC)
        row = self.body.model_dump() | {"recorded_at": now, "slice": [*self.body.slice]}
        row["incident_id"] = self.body.incident_id or token_hex(6)
        row["started_at"] = self.body.started_at or now
        session.write([(_PUT, row)])
        return row


@dataclass(frozen=True, slots=True)
class EndIncident(Command):
    """Stop the timer of an incident."""

    endpoint: ClassVar = WriteEndpoint(
        f"{INCIDENTS_PATH}/{{incident_id}}",
        "end_incident",
        "Stop the timer of an incident",
        _INCIDENT,
        method="PUT",
        status=200,
        problems=("404", "409"),
    )
    incident_id: str
    body: EndBody = EndBody()  # noqa: RUF009 - frozen

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the store; the incident. Raises NotFound, and Conflict where its timer does not run."""
        row = _known(session, self.incident_id)
        if row["ended_at"] is not None or row["minutes"] is not None:
            raise Conflict(f"the timer of incident '{self.incident_id}' does not run")
        told = {name: each for name, each in self.body.model_dump().items() if each is not None}
        found = row | {"ended_at": datetime.now(UTC)} | told
        IncidentBody.model_validate({name: found[name] for name in ("started_at", "ended_at", "minutes")})
        session.write([(_PUT, found)])
        return found


@dataclass(frozen=True, slots=True)
class DeleteIncident(Command):
    """Forget an incident."""

    endpoint: ClassVar = WriteEndpoint(
        f"{INCIDENTS_PATH}/{{incident_id}}",
        "delete_incident",
        "Forget an incident",
        _INCIDENT,
        method="DELETE",
        status=200,
        problems=("404",),
    )
    incident_id: str
    body: NoArguments = NO_ARGUMENTS

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Out of the store; the incident as it was. Raises NotFound."""
        row = _known(session, self.incident_id)
        session.write([(_DELETE, {"incident_id": self.incident_id})])
        return row


def _known(session: StoreSession, incident_id: str) -> dict[str, Any]:
    rows = as_dicts(session.state(_ONE, {"incident_id": incident_id}))
    if not rows:
        raise NotFound(f"no incident '{incident_id[:80]}'")
    return rows[0]
