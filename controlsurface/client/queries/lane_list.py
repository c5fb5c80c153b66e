"""The lanes in force as rows, and the command that puts a model into one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

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
from controlsurface.client.result_columns import FLAG, TEXT, column_table, columns, list_of
from controlsurface.errors import BadRequest
from controlsurface.lanes.lane_assignment import LaneAssignment

_LANE = columns(name=TEXT, escalation=FLAG, models=list_of(TEXT))


@dataclass(frozen=True, slots=True)
class LanesQuery(Query[Result]):
    """The lanes in force, cheap to dear: name, escalation, models (globs); none where nobody could change them."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/lanes",
        "lanes",
        "The lanes in force, cheap to dear",
        _LANE,
        rows="lanes",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """From the configuration."""
        lanes = session.lanes.in_force() if session.lanes else {}
        rows = [{"name": name, "escalation": lane.escalation, "models": [*lane.models]} for name, lane in lanes.items()]
        return Result(column_table(rows, _LANE))


@dataclass(frozen=True, slots=True)
class AssignLane(Command):
    """Put a model into a lane. Raises UnknownName, BadRequest, and ConfigError where the file cannot be changed."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/lanes",
        "claim_model",
        "Put a model into a lane, and write it into the configuration file",
        columns(model=TEXT, lane=TEXT, source=TEXT),
        role="admin",
        author="source",
        problems=("409",),
    )
    body: LaneAssignment

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the configuration; the claim itself."""
        if session.lanes is None:
            raise BadRequest("only a running server changes lanes; start `controlsurface serve`")
        session.lanes.claim(self.body)
        return self.body.model_dump()
