"""Operational entropy: how many ways requests take, how evenly, and how often somebody has to step in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import Field

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    NUMBER,
    SHARE,
    TEXT,
    as_dicts,
    column_table,
    columns,
)
from controlsurface.client.queries.costs.incidents import ControlCostArgs, ControlCostQuery
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.metrics.statistics import wilson_interval
from controlsurface.query.arguments import WeekRange
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement, row_limit

_SQL = Path(__file__).with_name("entropy.sql").read_text("utf-8")
EntropyDimension = Literal["task_type", "architecture", "router_version", "service", "tenant", "team"]
PathStep = Literal["lane", "model"]
ENTROPY_DIMENSIONS: tuple[EntropyDimension, ...] = get_args(EntropyDimension)
PATH_STEPS: tuple[PathStep, ...] = get_args(PathStep)


class EntropyArgs(WeekRange):
    """When, by what, and what a step of a path is."""

    by: EntropyDimension = Field("task_type", description="a row each")
    step: PathStep = Field("lane", description="what a call is named by; calls that are none for the user: by purpose")


def render_entropy(args: EntropyArgs) -> Statement:
    """The statement whose rows are the figures of each value; its text stands in `entropy.sql`. Raises UnknownName."""
    start, end = args.window
    sql = _SQL.replace("$by", dimension_column("requests", args.by))
    sql = sql.replace("$step", dimension_column("attempts", args.step))
    return Statement(sql, {"start": start, "end": end, **row_limit()}, "entropy.query")


@dataclass(frozen=True, slots=True)
class EntropyQuery(Query[Result]):
    """Operational entropy by task type (or `by`), the one with the most requests first; null: unknown.

    Rows: name; n (stored requests); requests (what they stand for); paths (different sequences of calls), top_path
    (the most frequent) with its share, top_three_share; entropy_bits of the paths (0: always the same one; it grows
    with n, so compare like numbers of requests); steps of a request, mean and P95; branching (different next steps of
    a step, its start and end included, weighted by how often it is left); incidents that name the value, also per
    million requests with Wilson's interval at 95 %.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/entropy",
        "entropy",
        "How many ways requests take, how evenly, and how often somebody has to step in",
        columns(
            name=MAYBE_TEXT,
            n=COUNT,
            requests=NUMBER,
            paths=COUNT,
            top_path=TEXT,
            **dict.fromkeys(("top_share", "top_three_share"), SHARE),
            **dict.fromkeys(("entropy_bits", "steps_mean"), NUMBER),
            steps_p95=COUNT,
            branching=NUMBER,
            incidents=NUMBER,
            **dict.fromkeys(("incidents_per_million", "incidents_low", "incidents_high"), FIGURE),
        ),
    )
    arguments: EntropyArgs = EntropyArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From stored calls, and the incidents that began in the window."""
        start, end = self.arguments.window
        statement = render_entropy(self.arguments)
        rows = as_dicts(statement.bounded(session.rows(statement)))
        control = ControlCostQuery(ControlCostArgs(start=start, end=end, by=self.arguments.by)).run(session)
        incidents = {row["name"]: row["incidents"] for row in as_dicts(control.rows) if row["assigned"]}
        found = [row | incident_rate(incidents.get(row["name"], 0.0), row["requests"]) for row in rows]
        return Result(column_table(found, self.endpoint.schema))


def incident_rate(incidents: float, requests: float) -> dict[str, Any]:
    """Incidents a million requests, as a share of requests with an incident: rare ones are as good as Poisson's."""
    share, rows = np.array([min(incidents / requests, 1.0)]), np.array([requests])
    low, high = wilson_interval(share, rows)
    ends = {"incidents_low": 1e6 * float(low[0]) if incidents else 0.0, "incidents_high": 1e6 * float(high[0])}
    return {"incidents": incidents, "incidents_per_million": 1e6 * incidents / requests, **ends}
