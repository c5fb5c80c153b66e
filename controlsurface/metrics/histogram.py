"""Distributions as counts in fixed bins, so that bins of any two windows can be added.

Bins of confidence are 0.01 wide; all others grow by 5 %, so a figure read from them is at most 2.5 % off. Zero and
less have a bin of their own, from 0 to 0.
"""

from typing import Literal

from pydantic import Field

from controlsurface.metrics.arguments import Names, Window
from controlsurface.metrics.dimensions import known
from controlsurface.metrics.measures import SPREADS
from controlsurface.metrics.query import Step
from controlsurface.metrics.statement import Statement, conditions, row_limit, where

RATIO = 1.05

Column = Literal["confidence", "latency_ms", "ttft_ms", "cost_usd", "input_tokens", "output_tokens"]


class DistributionArgs(Window):
    """A column of requests, what to break it down by, and the time step."""

    column: Column = Field(description="what is distributed")
    by: Names = Field((), max_length=4, description="up to four dimensions, comma-separated or repeated")
    every: Step | None = Field(None, description="length of a bucket, such as 5m, 1h, 1d")


def render(args: DistributionArgs) -> Statement:
    """The statement whose rows are bucket?, the dimensions, lower, upper, n (weighted), in this order.

    Confidences are compared on one scale only: probabilities, unless confidence_kind is asked for.
    """
    dimensions = list(dict.fromkeys(known("requests", name) for name in args.by))
    value = SPREADS["requests"][args.column]
    found, parameters = conditions("requests", args)
    found.append(f"{value} IS NOT NULL")
    if args.column == "confidence" and "confidence_kind" not in {*dimensions, *args.filters()}:
        found.append("(r.confidence_kind = 'probability' OR r.confidence_kind IS NULL)")
    if args.every:
        found.append("r.started_at IS NOT NULL")
        parameters["every"] = args.every
    keys = (["bucket"] if args.every else []) + dimensions
    binned = [*_named(keys), f"{_bin(args.column, value)} AS bin", "r.sample_weight AS weight"]
    lower, upper = _edges(args.column)
    sql = (
        "WITH binned AS (\n    SELECT\n        "
        + ",\n        ".join(binned)
        + f"\n    FROM requests AS r{where(found)}\n)\n"
        "SELECT\n    " + ",\n    ".join([*keys, f"{lower} AS lower", f"{upper} AS upper", "sum(weight) AS n"]) + "\n"
        f"FROM binned\nGROUP BY {', '.join([*keys, 'bin'])}\n"
        f"ORDER BY {', '.join(f'{key} NULLS LAST' for key in [*keys, 'lower'])}\nLIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit())


def _named(keys: list[str]) -> list[str]:
    """The grouping columns, read from a row."""
    return ["time_bucket($every, r.started_at) AS bucket" if key == "bucket" else f"r.{key} AS {key}" for key in keys]


def _bin(column: Column, value: str) -> str:
    """The number of a value's bin; NULL is the bin of zero."""
    if column == "confidence":  # 1 belongs to the last bin; 0.29 * 100 is 28.999999999999996
        return f"CASE WHEN {value} = 1 THEN 99 ELSE floor(round({value} * 100, 9)) END"
    return f"CASE WHEN {value} > 0 THEN floor(ln({value}) / ln({RATIO})) END"


def _edges(column: Column) -> tuple[str, str]:
    """From where to where a bin reaches."""
    if column == "confidence":
        return "bin / 100", "(bin + 1) / 100"
    return f"coalesce(power({RATIO}, bin), 0)", f"coalesce(power({RATIO}, bin + 1), 0)"
