"""Questions about metrics, planned, rendered and run: `rows` runs a statement where the store is."""

from dataclasses import replace

import pyarrow as pa

from controlsurface.metrics import events, histogram, quantile, query, several, top
from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.plan import Plan
from controlsurface.metrics.planning import Rows, planned
from controlsurface.metrics.query import QueryArgs
from controlsurface.metrics.several import Pass
from controlsurface.metrics.statement import Statement


def plan_query(rows: Rows, args: QueryArgs) -> tuple[Statement, Plan]:
    """The statement for one metric, and where its rows come from."""
    metric, wanted = query.find(args.metric), top.bounded(rows, query.wanted(args), args.top)
    plan = planned(rows, wanted, quantile.spread(metric)[0] if metric.kind == "quantile" else None)
    return query.render(args, plan, wanted), plan


def ask_pass(rows: Rows, each: Pass, most: int | None = None) -> tuple[pa.Table, Statement, Plan]:
    """Metrics that are read together: bucket?, the dimensions, and of each metric M: M, M_n, and what goes with it.

    `most` values of each dimension stand by themselves.
    """
    each = replace(each, reads=top.bounded(rows, each.reads, most))
    plan = planned(rows, each.reads, each.spread)
    statement = several.render(each, plan)
    return statement.bounded(rows(statement)), statement, plan


def ask_bins(rows: Rows, args: DistributionArgs) -> pa.Table:
    """Bins of a column of requests: bucket?, the dimensions, lower, upper, n (weighted)."""
    statement = histogram.render(args, planned(rows, histogram.wanted(args), args.column))
    return statement.bounded(rows(statement))


def ask_events(rows: Rows, args: EventsArgs) -> pa.Table:
    """Changes, told and found: at, kind, title, detail, source, in order of time; LEFT_OUT in the metadata."""
    statement = events.render(args, planned(rows, events.wanted(args)), planned(rows, events.called(args)))
    return events.without_left_out(statement.bounded(rows(statement)))
