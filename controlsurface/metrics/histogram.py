"""Distributions of columns of requests, as counts in fixed bins."""

from typing import Literal

from pydantic import Field

from controlsurface.metrics import bins
from controlsurface.metrics.arguments import Names, Window
from controlsurface.metrics.dimensions import known
from controlsurface.metrics.measures import PROBABILITIES
from controlsurface.metrics.plan import Plan, stored
from controlsurface.metrics.quantile import binned
from controlsurface.metrics.query import Step
from controlsurface.metrics.source import Wanted, measures
from controlsurface.metrics.statement import Statement, row_limit

Column = Literal["confidence", "latency_ms", "ttft_ms", "cost_usd", "input_tokens", "output_tokens"]


class DistributionArgs(Window):
    """A column of requests, what to break it down by, and the time step."""

    column: Column = Field(description="what is distributed")
    by: Names = Field((), max_length=4, description="up to four dimensions, comma-separated or repeated")
    every: Step | None = Field(None, description="length of a bucket, such as 5m, 1h, 1d")


def wanted(args: DistributionArgs) -> Wanted:
    """The bins that are asked for. Raises UnknownName.

    Confidences are compared on one scale only: probabilities, unless confidence_kind is asked for.
    """
    dimensions = tuple(dict.fromkeys(known("requests", name) for name in args.by))
    one_scale = args.column == "confidence" and "confidence_kind" not in {*dimensions, *args.filters()}
    conditions = (PROBABILITIES,) if one_scale else ()
    return binned(Wanted("requests", {}, args, dimensions, args.every, conditions), args.column)


def render(args: DistributionArgs, plan: Plan | None = None) -> Statement:
    """The statement whose rows are bucket?, the dimensions, lower, upper, n (weighted), in this order."""
    reads = wanted(args)
    rows, parameters = measures(reads, plan or stored(args))
    lower, upper = bins.edges(args.column)
    columns = [*reads.keys, f"{lower} AS lower", f"{upper} AS upper", "sum(weight) AS n"]
    sql = (
        f"WITH binned AS (\n{rows}\n)\n"
        "SELECT\n    " + ",\n    ".join(columns) + "\n"
        f"FROM binned\nGROUP BY {', '.join([*reads.keys, 'bin'])}\n"
        f"ORDER BY {', '.join(f'{key} NULLS LAST' for key in [*reads.keys, 'lower'])}\nLIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit(), "metrics.bins")
