"""Changes: the query for them, and the command that records one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from controlsurface.client.arrow_tables import COUNT, MAYBE_TEXT, TEXT, TIME, columns, optional
from controlsurface.client.query_protocol import Command, Query, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.metrics.queries import event_query, query_runner
from controlsurface.metrics.queries.event_query import LEFT_OUT, ChangeEvent, EventsArgs

_EVENT = columns(at=TIME, kind=TEXT, title=TEXT, detail=MAYBE_TEXT, source=TEXT)


@dataclass(frozen=True, slots=True)
class EventsQuery(Query[Result]):
    """Changes, told and found in the requests, in order of time: at, kind, title, detail, source.

    The fact `left_out` says how many names were not looked at.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/events",
        "events",
        "Changes, told and found in the requests",
        _EVENT,
        columns(left_out=optional(COUNT)),
        rows="events",
    )
    arguments: EventsArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        rows = query_runner.run_events(session.rows, self.arguments)
        left_out = int((rows.schema.metadata or {}).get(LEFT_OUT, 0))
        return Result(rows.replace_schema_metadata(None), {"left_out": left_out})


@dataclass(frozen=True, slots=True)
class RecordEvent(Command):
    """Keep a change that somebody tells of."""

    endpoint: ClassVar = WriteEndpoint("/api/v1/events", "tell_event", "Tell of a change", _EVENT, author="source")
    body: ChangeEvent

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the store; the event itself."""
        session.write([event_query.insert_event(self.body)])
        return self.body.model_dump()
