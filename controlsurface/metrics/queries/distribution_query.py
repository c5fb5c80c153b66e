"""Distributions of columns of requests, as counts in fixed bins."""

from typing import Literal

from pydantic import Field

from controlsurface.metrics.measures import IS_PROBABILITY_SQL
from controlsurface.metrics.queries.metric_query import QueryStep
from controlsurface.metrics.queries.quantile import as_bins
from controlsurface.metrics.rollups import rollup_catalog
from controlsurface.metrics.rollups.measure_source import MeasureRequest, ReadPlan, select_measures, stored_rows_plan
from controlsurface.query.arguments import FilteredRange, NameList
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement, order_by_clause, row_limit

DistributionColumn = Literal["confidence", "latency_ms", "ttft_ms", "cost_usd", "input_tokens", "output_tokens"]


class DistributionArgs(FilteredRange):
    """A column of requests, what to break it down by, and the time step."""

    column: DistributionColumn = Field(description="what is distributed")
    by: NameList = Field((), max_length=4, description="up to four dimensions, comma-separated or repeated")
    every: QueryStep | None = Field(None, description="length of a bucket, such as 5m, 1h, 1d")


def measures_of_distribution(args: DistributionArgs) -> MeasureRequest:
    """The bins that are asked for. Raises UnknownName.

    Confidences are compared on one scale only: probabilities, unless confidence_kind is asked for.
    """
    dimensions = tuple(dict.fromkeys(dimension_column("requests", name) for name in args.by))
    one_scale = args.column == "confidence" and "confidence_kind" not in {*dimensions, *args.filters()}
    conditions = (IS_PROBABILITY_SQL,) if one_scale else ()
    return as_bins(MeasureRequest("requests", {}, args, dimensions, args.every, conditions), args.column)


def render_distribution(args: DistributionArgs, plan: ReadPlan | None = None) -> Statement:
    """The statement whose rows are bucket?, the dimensions, lower, upper, n (weighted), in this order."""
    reads = measures_of_distribution(args)
    rows, parameters = select_measures(reads, plan or stored_rows_plan(args))
    lower, upper = rollup_catalog.bin_edges(args.column)
    columns = [*reads.keys, f"{lower} AS lower", f"{upper} AS upper", "sum(weight) AS n"]
    sql = (
        f"WITH binned AS (\n{rows}\n)\n"
        "SELECT\n    " + ",\n    ".join(columns) + "\n"
        f"FROM binned\nGROUP BY {', '.join([*reads.keys, 'bin'])}{order_by_clause([*reads.keys, 'lower'])}\n"
        "LIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit(), "metrics.bins")
