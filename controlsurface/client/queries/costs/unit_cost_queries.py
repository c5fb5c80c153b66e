"""What a run of a job, a session or a completed task cost."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import pyarrow as pa

from controlsurface.client.arrow_tables import COUNT, FIGURE, FLAG, MAYBE_TEXT, SHARE, TEXT, TIME, column, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.money.unit_costs import RunArgs, UnitCostArgs, render_runs, render_unit_costs

_USD = column(pa.decimal128(38, 18), nullable=True)


@dataclass(frozen=True, slots=True)
class JobRunsQuery(Query[Result]):
    """Runs of jobs, the latest first: one where senders name it (`controlsurface.job.run`), else between pauses.

    Rows: job, run (null: told by pauses longer than `gap`), started_at, ended_at, calls, cost_usd (of calls with a
    price), priced_share (of billable calls), cut (the window may have cut it: its end lies within `gap` of an edge).
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/job-runs",
        "jobRuns",
        "Runs of jobs and what each cost",
        columns(
            job=TEXT,
            run=MAYBE_TEXT,
            **dict.fromkeys(("started_at", "ended_at"), TIME),
            calls=COUNT,
            cost_usd=_USD,
            priced_share=SHARE,
            cut=FLAG,
        ),
        columns(gap_s=FIGURE),
    )
    arguments: RunArgs = field(default_factory=RunArgs)

    def run(self, session: StoreSession) -> Result:
        """From the stored calls that belong to a job."""
        gap = self.arguments.gap or session.config.costs.run_gap
        statement = render_runs(self.arguments, gap)
        return Result(statement.bounded(session.rows(statement)), {"gap_s": gap / timedelta(seconds=1)})


@dataclass(frozen=True, slots=True)
class UnitCostsQuery(Query[Result]):
    """Cost per run by job, per session, or per completed task by task type.

    Rows: name (job, task type; null for sessions), units (runs, sessions, requests), known (of them with a cost; of
    tasks also judged), done (of those: completed tasks, else the same number), cut (runs and sessions that the window
    may have cut; tasks that nobody judged), calls, cost_usd (of all), priced_share (of calls; of judged tasks),
    cost_per_unit (of the known, by done), low and high (95 %; null below 30 known), and the least and most of one.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/unit-costs",
        "unitCosts",
        "Cost per run of a job, per session, or per completed task",
        columns(
            name=MAYBE_TEXT,
            **dict.fromkeys(("units", "known"), COUNT),
            done=FIGURE,
            **dict.fromkeys(("cut", "calls"), COUNT),
            cost_usd=_USD,
            priced_share=SHARE,
            **dict.fromkeys(("cost_per_unit", "low", "high"), FIGURE),
            **dict.fromkeys(("least_usd", "most_usd"), _USD),
        ),
        columns(per=TEXT, gap_s=FIGURE, evaluation=TEXT),
    )
    arguments: UnitCostArgs = field(default_factory=UnitCostArgs)

    def run(self, session: StoreSession) -> Result:
        """From stored calls, of tasks from requests."""
        gap = self.arguments.gap or session.config.costs.run_gap
        evaluation = self.arguments.evaluation or session.config.costs.success_evaluation
        statement = render_unit_costs(self.arguments, gap, evaluation)
        facts = {"per": self.arguments.per, "gap_s": gap / timedelta(seconds=1), "evaluation": evaluation}
        return Result(statement.bounded(session.rows(statement)), facts)
