"""The lanes in force and those that models are assumed to be in, and the command that puts a model into one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from controlsurface.client.arrow_tables import FIGURE, FLAG, MAYBE_TEXT, TEXT, column_table, columns, list_of
from controlsurface.client.query_protocol import Command, PlainQuery, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.errors import BadRequest
from controlsurface.lanes.lane_assignment import LaneAssignment
from controlsurface.lanes.price_inference import inferred_lanes_text

_LANE = columns(name=TEXT, escalation=FLAG, models=list_of(TEXT))


class LanesQuery(PlainQuery[Result]):
    """The lanes in force, cheap to dear: name, escalation, models (globs); none where nobody could change them."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/lanes", "lanes", "The lanes in force, cheap to dear", _LANE, rows="lanes"
    )

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


_ASSUMED_LANES_SQL = """
SELECT name AS model, any_value(lane) AS lane, CAST(min(usd_per_mtok) AS DOUBLE) AS usd_per_mtok
FROM assumed_lanes GROUP BY name HAVING bool_or(counted) OR any_value(lane) IS NOT NULL
ORDER BY lane DESC NULLS LAST, usd_per_mtok NULLS LAST, model
"""


class AssumedLanesQuery(PlainQuery[Result]):
    """Rows: model (as lanes name it), lane (null: unknown), usd_per_mtok (list price, three parts input, one output).

    No rows where the configuration names the lanes, or every call came with the router's own word.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/lanes/assumed",
        "assumed_lanes",
        "Lanes that models are assumed to be in, by list price, because the configuration names none",
        columns(model=TEXT, lane=MAYBE_TEXT, usd_per_mtok=FIGURE),
        rows="models",
    )

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_ASSUMED_LANES_SQL))


def assumed_lanes_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """What is assumed, or that nothing can be, and what to do; empty where the lanes are known.

    >>> assumed_lanes_text([{"model": "gpt-5", "lane": None}])
    'no lane can be assumed for gpt-5: list prices show no clear gap; assign them'
    >>> assumed_lanes_text([])
    ''
    """
    lanes = {str(row["model"]): row["lane"] for row in rows}
    if any(lanes.values()):
        return f"lanes are assumed (by list price): {inferred_lanes_text(lanes)}; assign them"
    return f"no lane can be assumed for {', '.join(lanes)}: list prices show no clear gap; assign them" if lanes else ""
