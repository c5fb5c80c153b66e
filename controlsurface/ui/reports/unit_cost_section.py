"""The tab Jobs of the page Cost: what a run, a session and a completed task cost, and what own hardware cost."""

from datetime import timedelta
from typing import Literal

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.costs.hardware_query import HardwareArgs, HardwareQuery
from controlsurface.client.queries.costs.unit_cost_queries import JobRunsQuery, UnitCostsQuery
from controlsurface.formatting import format_duration
from controlsurface.money.unit_costs import RunArgs, UnitCostArgs, UnitKind
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.metric_series import event_marks
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, palette
from controlsurface.ui.navigation.view_controls import zoomable_chart
from controlsurface.ui.view import MIN_SHARE_ROWS, DashboardView
from controlsurface.ui.widgets.data_table import breakdown_table, data_table
from controlsurface.ui.widgets.panels import panel

_MONEY = dict.fromkeys(("cost_usd", "cost_per_unit", "low", "high", "least_usd", "most_usd"), "usd")
_COUNTS = dict.fromkeys(("units", "known", "done", "cut", "calls"), "count")
_LABELS = {
    "cost_usd": "Cost",
    "priced_share": "Priced",
    "low": "from",
    "high": "to (95 %)",
    "least_usd": "Lowest",
    "most_usd": "Highest",
    "calls": "Calls",
}


def job_section(view: DashboardView) -> None:
    """The tab Jobs."""
    with panel("Cost per job run", "a run: what its senders call one, else a job's calls without a long pause"):
        _runs(view)
    with panel("Cost by job over time", "calls that belong to a job"):
        cost = collector_queries.query_metric("cost", by=["job"], every=view.step).drop_nulls("job")
        figure = charts.stacked_areas(cost, view.span, palette(), by="job", events=event_marks())
        zoomable_chart(figure, "jobs", "Cost of each job over time", metric="cost")
    with panel("Share of cost by job", "calls without a job are unknown"):
        columns = {"cost": "Cost", "cost_share": "Share", "attempts": "Calls", "priced_share": "Priced"}
        breakdown_table(columns, ["job"], "cost-by-job", links=False)
    with panel("Cost per session", "all calls of a session; the edges of the window may cut some"):
        _summary(view, "session", "session", {"units": "Sessions", "cost_per_unit": "Per session", "cut": "Maybe cut"})
    with panel("Cost per completed task", "a request that passed; those that did not are paid for by these"):
        named = {"name": "Task type", "units": "Requests", "done": "Completed", "cut": "Not judged"}
        _summary(view, "task", "task", named | {"cost_per_unit": "Per completed"})
    with panel("Own hardware", "its calls owe their time; what is left of the paid hours is idle"):
        _hardware(view)


def _runs(view: DashboardView) -> None:
    """Jobs, and each of their runs."""
    _summary(
        view, "run", "job-run", {"name": "Job", "units": "Runs", "cost_per_unit": "Cost per run", "cut": "Maybe cut"}
    )
    answer = collector_queries.fetch_cached(JobRunsQuery(RunArgs(**view.asked)), view.refresh)
    rows = as_polars(answer.rows)
    if rows.is_empty():
        return
    data_table(
        rows.select("job", "run", "started_at", "ended_at", "calls", "cost_usd", "priced_share"),
        {"calls": "count", "cost_usd": "usd", "priced_share": "ratio"},
        "job-runs",
        labels=_LABELS | {"started_at": "First call", "ended_at": "Last answer"},
    )
    gap = format_duration(timedelta(seconds=float(answer.facts["gap_s"])))
    st.caption(
        "Where no sender says `controlsurface.job.run`, calls after a pause of more than "
        f"{escape_markdown(gap)} are the next run (`costs.run_gap`)."
    )


def _summary(view: DashboardView, per: UnitKind, name: str, labels: dict[str, str]) -> None:
    """What one costs, with its interval where 30 tell."""
    source: Literal["requests", "attempts"] = "requests" if per == "task" else "attempts"
    args = UnitCostArgs(per=per, **view.asked)
    if args.filters().keys() - set(DIMENSIONS[source]):
        st.caption(f"Filters of this view do not fit {escape_markdown(source)}.")
        return
    rows = as_polars(collector_queries.fetch_cached(UnitCostsQuery(args), view.refresh).rows)
    if rows.is_empty():
        states.empty_state(*_NOTHING[per])
        return
    data_table(
        unit_cost_rows(rows, per).select(*(each for each in (*labels, *_LABELS) if each in rows.columns)),
        {
            each: unit
            for each, unit in (_COUNTS | _MONEY | {"priced_share": "ratio"}).items()
            if each in {*labels, *_LABELS}
        },
        f"cost-per-{name}",
        labels=labels | _LABELS,
        download=rows,
    )


def unit_cost_rows(rows: pl.DataFrame, per: UnitKind) -> pl.DataFrame:
    """Rows of UnitCostsQuery as they are shown: a completed task's cost, an estimate, of no fewer than 30 judged."""
    shown = pl.col("known") >= MIN_SHARE_ROWS if per == "task" else pl.lit(value=True)
    return rows.with_columns(pl.when(shown).then(pl.col("cost_per_unit")).alias("cost_per_unit"))


_NOTHING = {
    "run": ("No call of this window belongs to a job", "Spans say it in controlsurface.job."),
    "session": ("No call of this window belongs to a session", "Spans say it in session.id."),
    "task": ("No request in this window", "A gate or an evaluation says which are completed."),
}


def _hardware(view: DashboardView) -> None:
    """Lanes and idle time of each kind of hardware."""
    rows = as_polars(
        collector_queries.fetch_cached(HardwareQuery(HardwareArgs(start=view.start, end=view.end)), view.refresh).rows
    )
    if rows.is_empty():
        states.empty_state("No hardware in the price file", "Table hardware says what an hour costs (docs/prices.md).")
        return
    tokens = pl.when(pl.col("calls") >= MIN_SHARE_ROWS)
    data_table(
        rows.select(
            *("hardware", pl.col("lane").fill_null("(idle)"), "calls", "untimed", "hours", "utilisation", "currency"),
            *("amount", "amount_with_idle"),
            *(tokens.then(pl.col(each)).alias(each) for each in ("per_mtok", "per_mtok_with_idle")),
        ),
        {
            **dict.fromkeys(("calls", "untimed"), "count"),
            "utilisation": "ratio",
            **dict.fromkeys(("hours", "amount", "amount_with_idle", "per_mtok", "per_mtok_with_idle"), "index"),
        },
        "own-hardware",
        labels={
            "untimed": "... of unknown time",
            "hours": "Hours of places",
            "utilisation": "Share of paid hours",
            "amount": "Cost, in currency",
            "amount_with_idle": "... with idle time",
            "per_mtok": "Per million tokens",
            "per_mtok_with_idle": "... with idle time ",
        },
        download=rows,
    )
    old = int(rows["other_prices"].sum())
    if old:
        st.caption(escape_markdown(f"{old:,} calls have prices of another edition; `prices reprice` gives them these."))
