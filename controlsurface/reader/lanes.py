"""The lanes in force as rows, and the command that puts a model into one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from controlsurface.errors import BadRequest
from controlsurface.metrics.claims import Claim
from controlsurface.reader.asking import (
    NO_ARGUMENTS,
    Answer,
    Command,
    Ground,
    NoArguments,
    Query,
    ReadEndpoint,
    WriteEndpoint,
)
from controlsurface.reader.columns import FLAG, TEXT, columns, many, table

_LANE = columns(name=TEXT, escalation=FLAG, models=many(TEXT))


@dataclass(frozen=True, slots=True)
class LanesQuery(Query[Answer]):
    """The lanes in force, cheap to dear: name, escalation, models (globs); none where nobody could change them."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/lanes",
        "lanes",
        "The lanes in force, cheap to dear",
        _LANE,
        rows="lanes",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def answered(self, ground: Ground) -> Answer:
        """From the configuration."""
        lanes = ground.lanes.in_force() if ground.lanes else {}
        rows = [{"name": name, "escalation": lane.escalation, "models": [*lane.models]} for name, lane in lanes.items()]
        return Answer(table(rows, _LANE))


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
    body: Claim

    def done(self, ground: Ground) -> Mapping[str, Any]:
        """Into the configuration; the claim itself."""
        if ground.lanes is None:
            raise BadRequest("only a running server changes lanes; start `controlsurface serve`")
        ground.lanes.claim(self.body)
        return self.body.model_dump()
