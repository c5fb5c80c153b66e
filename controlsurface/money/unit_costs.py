"""What one of something cost: a run of a job, a session, a completed task.

A run of a job is what its senders call one (`controlsurface.job.run`); where they do not, its calls up to a pause
longer than `gap`, from the latest end of all before to the next start. So three nights of one job are three runs.

A task is a request. It is completed where its quality gate passed, or the evaluation that the user names; one that
failed is not. Those that nobody judged are counted, and part of no cost per task; the others pay for those that were
not good enough, with all calls made for them.

Costs are weighted sums, DECIMAL, as everywhere; a unit of which no call has a price is in no mean. The interval is of
a ratio of sums over units (95 %, linearised, Student's), from MIN_INTERVAL_UNITS on.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from controlsurface.metrics.measures import IS_PRICED_SQL
from controlsurface.query.arguments import FilteredRange, StepLength
from controlsurface.query.statement import Statement, row_limit, where_clause, window_conditions

MIN_INTERVAL_UNITS = 30  # below, the spread that is seen says little about the one there is

UnitKind = Literal["run", "session", "task"]


class RunArgs(FilteredRange):
    """Which calls, and where a run ends."""

    gap: StepLength | None = Field(
        None, description="calls of a job after a pause longer than this are its next run; none: `costs.run_gap`"
    )


class UnitCostArgs(RunArgs):
    """Cost per what."""

    per: UnitKind = Field("run", description="run (of a job), session, or task (completed)")
    evaluation: str = Field(
        "",
        max_length=200,
        description="task: whose pass completes one; none: `costs.success_evaluation`, else the gate",
    )


def render_runs(args: RunArgs, gap: timedelta) -> Statement:
    """Rows, the latest first: job, run (null: told by pauses), calls, cost_usd, priced_share, first and last, cut."""
    calls, parameters = _calls("job", args, gap)
    sql = f"""WITH {calls}
SELECT
    name AS job, any_value(run) AS run, min(started_at) AS started_at, max(ended_at) AS ended_at,
    count(*) AS calls, sum(usd) AS cost_usd, {_PRICED_SHARE}, {_CUT} AS cut
FROM units
GROUP BY name, unit
ORDER BY started_at DESC, job, run
LIMIT $row_limit"""
    return Statement(sql, parameters, "units.runs")


def render_unit_costs(args: UnitCostArgs, gap: timedelta, evaluation: str) -> Statement:
    """Rows by name: job of runs, task type of tasks, null for sessions; see UnitCostsQuery."""
    if args.per == "task":
        return _render_tasks(args, evaluation)
    calls, parameters = _calls("job" if args.per == "run" else "session", args, gap)
    sql = f"""WITH {calls},
each AS (
    SELECT
        name, count(*) AS calls, sum(usd) AS usd, count(usd) > 0 AS known, 1 AS done, sum(billable) AS billable,
        sum(priced) AS priced, {_CUT} AS cut
    FROM units
    GROUP BY name, unit
)
{UNIT_SUMMARY_SQL}"""
    return Statement(sql, parameters, "units.summary")


def _calls(kind: Literal["job", "session"], args: RunArgs, gap: timedelta) -> tuple[str, dict[str, Any]]:
    """The CTE `units`: calls with the unit that each belongs to."""
    found, parameters = window_conditions("attempts", args)
    column = "r.job" if kind == "job" else "r.session_id"
    name, unit = ("r.job", "r.job_run") if kind == "job" else ("CAST(NULL AS VARCHAR)", "r.session_id")
    within = where_clause([*found, f"{column} IS NOT NULL", "r.started_at IS NOT NULL"])
    sql = f"""calls AS (
    SELECT
        {name} AS name, {unit} AS run, r.started_at,
        r.started_at + to_microseconds(CAST(coalesce(r.duration_ms, 0) * 1000 AS BIGINT)) AS ended_at,
        {_WEIGHT} * r.cost_usd AS usd,
        CASE WHEN r.billable THEN {_WEIGHT} ELSE 0 END AS billable,
        CASE WHEN r.billable AND {IS_PRICED_SQL} THEN {_WEIGHT} ELSE 0 END AS priced
    FROM attempts AS r{within}
),
parted AS (
    SELECT
        *,
        run IS NULL AND started_at > max(ended_at) OVER (
            PARTITION BY name, run ORDER BY started_at, ended_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) + to_microseconds($gap) AS begins
    FROM calls
),
units AS (
    SELECT
        *,
        (run, count(*) FILTER (begins) OVER (
            PARTITION BY name, run ORDER BY started_at, ended_at ROWS UNBOUNDED PRECEDING
        )) AS unit
    FROM parted
)"""
    edges: dict[str, datetime | None] = {"from": args.start, "to": args.end}
    return sql, parameters | edges | {"gap": gap // timedelta(microseconds=1)} | row_limit()


def _render_tasks(args: UnitCostArgs, evaluation: str) -> Statement:
    """Requests that somebody judged, by task type."""
    found, parameters = window_conditions("requests", args)
    verdict, joined = "CASE r.gate WHEN 'pass' THEN TRUE WHEN 'fail' THEN FALSE END", ""
    if evaluation:
        parameters["evaluation"] = evaluation
        verdict, joined = "judged.passed", " LEFT JOIN judged ON judged.request_id = r.request_id"
    sql = f"""WITH judged AS (
    SELECT request_id, bool_and(passed) AS passed
    FROM scores
    WHERE {"evaluation = $evaluation AND request_id IS NOT NULL" if evaluation else "FALSE"}
    GROUP BY request_id
),
tasks AS (
    SELECT
        r.task_type AS name, r.steps AS calls, {_WEIGHT} AS weight, NOT r.failed AND {verdict} AS passed,
        {_WEIGHT} * (r.cost_usd + coalesce(r.overhead_usd, 0)) AS usd, r.priced
    FROM requests AS r{joined}{where_clause(found)}
),
each AS (
    SELECT
        name, calls, usd, usd IS NOT NULL AND passed IS NOT NULL AS known,
        CASE WHEN passed THEN weight ELSE 0 END AS done,
        CASE WHEN passed IS NULL THEN 0 ELSE weight END AS billable,
        CASE WHEN passed IS NULL OR NOT priced OR usd IS NULL THEN 0 ELSE weight END AS priced, passed IS NULL AS cut
    FROM tasks
)
{UNIT_SUMMARY_SQL}"""
    return Statement(sql, parameters | row_limit(), "units.summary")


_WEIGHT = "CAST(r.sample_weight AS DECIMAL(18, 6))"
_PRICED_SHARE = "CAST(sum(priced) AS DOUBLE) / nullif(CAST(sum(billable) AS DOUBLE), 0) AS priced_share"
# A unit whose first or last call lies so near an edge of the window that more of it may lie beyond.
_CUT = (
    "coalesce(min(started_at) <= CAST($from AS TIMESTAMP) + to_microseconds($gap), FALSE) "
    "OR coalesce(max(ended_at) >= CAST($to AS TIMESTAMP) - to_microseconds($gap), FALSE)"
)
# A ratio of sums over units: what those of known cost cost, by how many of them are done. `cut` is left apart.
UNIT_SUMMARY_SQL = f"""SELECT
    name, units, known, done, cut, calls, cost_usd, priced_share, cost_per_unit,
    CASE WHEN known >= {MIN_INTERVAL_UNITS} THEN cost_per_unit - student(known - 1) * error END AS low,
    CASE WHEN known >= {MIN_INTERVAL_UNITS} THEN cost_per_unit + student(known - 1) * error END AS high,
    least_usd, most_usd
FROM (
    SELECT
        *,
        CAST(known_usd AS DOUBLE) / nullif(done, 0) AS cost_per_unit,
        sqrt(greatest(0, known / (known - 1.0)
            * (xx - 2 * cost_per_unit * xc + cost_per_unit * cost_per_unit * cc))) / done AS error
    FROM (
        SELECT
            name, count(*) AS units, count(*) FILTER (known) AS known,
            CAST(sum(done) FILTER (known) AS DOUBLE) AS done,
            count(*) FILTER (cut) AS cut, CAST(sum(calls) AS BIGINT) AS calls, sum(usd) AS cost_usd, {_PRICED_SHARE},
            sum(usd) FILTER (known) AS known_usd,
            min(usd) FILTER (known) AS least_usd, max(usd) FILTER (known) AS most_usd,
            sum(power(CAST(usd AS DOUBLE), 2)) FILTER (known) AS xx,
            sum(CAST(usd AS DOUBLE) * CAST(done AS DOUBLE)) FILTER (known) AS xc,
            sum(power(CAST(done AS DOUBLE), 2)) FILTER (known) AS cc
        FROM each
        GROUP BY name
    )
)
ORDER BY cost_usd DESC NULLS LAST, name
LIMIT $row_limit"""
