"""Questions about metrics, planned, rendered and run: `rows` runs a statement where the store is."""

from dataclasses import replace

import pyarrow as pa

from controlsurface.metrics.queries import (
    batch_query,
    dimension_values,
    distribution_query,
    event_query,
    metric_query,
    quantile,
)
from controlsurface.metrics.queries.batch_query import QueryPass
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.metrics.rollups.measure_source import ReadPlan
from controlsurface.metrics.rollups.read_planner import RunStatement, plan_read
from controlsurface.query.statement import Statement


def plan_query(rows: RunStatement, args: MetricArgs) -> tuple[Statement, ReadPlan]:
    """The statement for one metric, and where its rows come from."""
    metric, wanted = (
        metric_query.find_metric(args.metric),
        dimension_values.bound_dimensions(rows, metric_query.measures_of_metric(args), args.top),
    )
    plan = plan_read(rows, wanted, quantile.quantile_spread(metric)[0] if metric.kind == "quantile" else None)
    return metric_query.render_metric(args, plan, wanted), plan


def run_pass(rows: RunStatement, each: QueryPass, most: int | None = None) -> tuple[pa.Table, Statement, ReadPlan]:
    """Metrics that are read together: bucket?, the dimensions, and of each metric M: M, M_n, and what goes with it.

    `most` values of each dimension stand by themselves.
    """
    each = replace(each, reads=dimension_values.bound_dimensions(rows, each.reads, most))
    plan = plan_read(rows, each.reads, each.spread)
    statement = batch_query.render_pass(each, plan)
    return statement.bounded(rows(statement)), statement, plan


def run_bins(rows: RunStatement, args: DistributionArgs) -> pa.Table:
    """Bins of a column of requests: bucket?, the dimensions, lower, upper, n (weighted)."""
    statement = distribution_query.render_distribution(
        args, plan_read(rows, distribution_query.measures_of_distribution(args), args.column)
    )
    return statement.bounded(rows(statement))


def run_events(rows: RunStatement, args: EventsArgs) -> pa.Table:
    """Changes, told and found: at, kind, title, detail, source, in order of time; LEFT_OUT in the metadata."""
    statement = event_query.render_events(
        args,
        plan_read(rows, event_query.measures_of_sightings(args)),
        plan_read(rows, event_query.measures_of_calls(args)),
    )
    return event_query.without_left_out(statement.bounded(rows(statement)))
