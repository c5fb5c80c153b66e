"""One question about one metric, rendered as one SQL statement: names from closed sets, values as parameters."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from controlsurface.errors import UnknownName
from controlsurface.metrics import formula
from controlsurface.metrics.arguments import Names, Window
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.dimensions import known
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.statement import Statement, conditions, row_limit, where
from controlsurface.metrics.times import Every

Step = Annotated[Every, Field(ge=timedelta(seconds=1), le=timedelta(days=3660))]


class QueryArgs(Window):
    """A metric, what to break it down by, and the time step."""

    metric: str = Field(
        max_length=100, description="a metric of /api/v1/metrics", json_schema_extra={"enum": list(CATALOG)}
    )
    by: Names = Field((), max_length=4, description="up to four dimensions, comma-separated or repeated")
    every: Step | None = Field(None, description="length of a bucket, such as 5m, 1h, 1d (UTC; weeks start on Monday)")


def find(name: str) -> Metric:
    """The metric of that name. Raises UnknownName with the nearest one."""
    try:
        return CATALOG[name]
    except KeyError:
        raise UnknownName("metric", name, CATALOG) from None


def render(args: QueryArgs) -> Statement:
    """The statement whose rows are bucket?, the dimensions, value, n, and low, high, priced_share where they apply.

    Rows are ordered by bucket and dimensions; a row whose time is unknown has no place in a time series.
    """
    metric = find(args.metric)
    dimensions = list(dict.fromkeys(known(metric.source, name) for name in args.by))
    found, parameters = conditions(metric.source, args)
    if args.every:
        found.append("r.started_at IS NOT NULL")
        parameters["every"] = args.every
    keys = (["bucket"] if args.every else []) + dimensions
    parts = [
        _measures(metric, dimensions, found, bucketed=args.every is not None),
        _figures(metric, keys),
        _select(metric, keys),
    ]
    return Statement("\n".join(parts), parameters | row_limit())


def _measures(metric: Metric, dimensions: list[str], found: list[str], *, bucketed: bool) -> str:
    """The CTE that turns rows into measures."""
    columns = {"bucket": "time_bucket($every, r.started_at)"} if bucketed else {}
    columns |= {name: f"r.{name}" for name in dimensions} | formula.columns(metric)
    listed = ",\n        ".join(f"{expression} AS {name}" for name, expression in columns.items())
    return f"WITH measures AS (\n    SELECT\n        {listed}\n    FROM {metric.source} AS r{where(found)}\n),"


def _figures(metric: Metric, keys: list[str]) -> str:
    """The CTE that sums measures and applies the formula."""
    partition = "bucket" if "bucket" in keys else ""
    columns = [*keys, f"{formula.value(metric, partition)} AS value", f"{formula.n(metric, partition)} AS n"]
    if metric.kind == "ratio":
        columns.append(f"{formula.effective(metric, partition)} AS effective")
    if metric.unit == "usd":
        columns.append(f"{formula.priced_share(metric)} AS priced_share")
    grouped = f"\n    GROUP BY {', '.join(keys)}" if keys else ""
    return "figures AS (\n    SELECT\n        " + ",\n        ".join(columns) + f"\n    FROM measures{grouped}\n)"


def _select(metric: Metric, keys: list[str]) -> str:
    """The rows as they are handed out."""
    columns = [*keys, "CAST(value AS DOUBLE) AS value", "CAST(coalesce(n, 0) AS BIGINT) AS n"]
    if metric.kind == "ratio":
        columns += [f"{wilson('low')} AS low", f"{wilson('high')} AS high"]
    if metric.unit == "usd":
        columns.append("priced_share")
    order = f"\nORDER BY {', '.join(f'{key} NULLS LAST' for key in keys)}" if keys else ""
    return "SELECT\n    " + ",\n    ".join(columns) + f"\nFROM figures{order}\nLIMIT $row_limit"


def wilson(end: Literal["low", "high"]) -> str:
    """One end of Wilson's score interval at 95 % for the share `value` of `effective` rows (Wilson 1927; z = 1.96)."""
    variance = "greatest(value * (1 - value), 0) / effective + 0.960364705173531 / (effective * effective)"
    half = f"1.959963984540054 * sqrt({variance})"
    sign, clamp = ("-", "greatest(0, {})") if end == "low" else ("+", "least(1, {})")
    bound = f"(value + 1.920729410347062 / effective {sign} {half}) / (1 + 3.841458820694124 / effective)"
    return f"CASE WHEN n > 0 THEN {clamp.format(bound)} END"
