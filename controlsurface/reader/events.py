"""Changes: the query for them, and the command that records one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from controlsurface.metrics import asking, events
from controlsurface.metrics.events import LEFT_OUT, Event, EventsArgs
from controlsurface.reader.asking import Answer, Command, Ground, Query, ReadEndpoint, WriteEndpoint
from controlsurface.reader.columns import COUNT, MAYBE_TEXT, TEXT, TIME, columns, optional

_EVENT = columns(at=TIME, kind=TEXT, title=TEXT, detail=MAYBE_TEXT, source=TEXT)


@dataclass(frozen=True, slots=True)
class EventsQuery(Query[Answer]):
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

    def answered(self, ground: Ground) -> Answer:
        """From the store."""
        rows = asking.ask_events(ground.rows, self.arguments)
        left_out = int((rows.schema.metadata or {}).get(LEFT_OUT, 0))
        return Answer(rows.replace_schema_metadata(None), {"left_out": left_out})


@dataclass(frozen=True, slots=True)
class RecordEvent(Command):
    """Keep a change that somebody tells of."""

    endpoint: ClassVar = WriteEndpoint("/api/v1/events", "tell_event", "Tell of a change", _EVENT, author="source")
    body: Event

    def done(self, ground: Ground) -> Mapping[str, Any]:
        """Into the store; the event itself."""
        ground.keep([events.told(self.body)])
        return self.body.model_dump()
