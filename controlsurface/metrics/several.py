"""Several metrics over one window in one statement, and the counts behind a share: what rules and detectors read."""

import re
from typing import Literal

from pydantic import Field, model_validator

from controlsurface.errors import BadRequest
from controlsurface.metrics import formula
from controlsurface.metrics.arguments import Names, Window
from controlsurface.metrics.dimensions import known
from controlsurface.metrics.measures import MEASURES
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.plan import Plan, stored
from controlsurface.metrics.query import Step, figures, find, grouped, normal, wilson
from controlsurface.metrics.source import Wanted, measures
from controlsurface.metrics.statement import Statement, row_limit

ENDS: tuple[Literal["low", "high"], ...] = ("low", "high")

_SHARE = re.compile(r"sum\((\w+)\) / sum\((\w+)\)")


class SeveralArgs(Window):
    """Metrics of one source, what to break them all down by, and the time step."""

    metrics: Names = Field(min_length=1, max_length=200, description="metrics of one source, quantiles excepted")
    by: Names = Field((), max_length=4, description="up to four dimensions")
    every: Step | None = Field(None, description="length of a bucket, such as 5m")

    @model_validator(mode="after")
    def _together(self) -> "SeveralArgs":
        """Refuse metrics that cannot be computed in one pass."""
        found = [find(name) for name in self.metrics]
        if len({metric.source for metric in found}) > 1:
            raise BadRequest("metrics: they are counted in different rows: ask for those of one source together")
        alone = [metric.id for metric in found if metric.kind == "quantile"]
        if alone:
            raise BadRequest(f"metrics: a quantile is asked for alone, and so is {alone[0]}")
        return self


class CountsArgs(Window):
    """A share of rows, what to break it down by, and the time step."""

    metric: str = Field(max_length=100, description="a metric that divides two counts")
    by: Names = Field((), max_length=4, description="up to four dimensions")
    every: Step | None = Field(None, description="length of a bucket, such as 5m")


def wanted(args: SeveralArgs) -> Wanted:
    """What all the formulas read. Raises UnknownName."""
    found = [find(name) for name in args.metrics]
    columns = {name: text for metric in found for name, text in formula.columns(metric).items()}
    source = found[0].source
    return Wanted(source, columns, args, tuple(dict.fromkeys(known(source, name) for name in args.by)), args.every)


def render(args: SeveralArgs, plan: Plan | None = None) -> Statement:
    """The statement whose rows are bucket?, the dimensions, and of each metric M: M, M_n, of ratios M_low, M_high."""
    reads = wanted(args)
    rows, parameters = measures(reads, plan or stored(args))
    found = [find(name) for name in dict.fromkeys(args.metrics)]
    inner = [
        f"{text} AS {_named(metric, name)}" for metric in found for name, text in figures(metric, reads.keys).items()
    ]
    outer = [column for metric in found for column in _handed_out(metric)]
    order = f"\nORDER BY {', '.join(f'{key} NULLS LAST' for key in reads.keys)}" if reads.keys else ""
    sql = (
        f"WITH measures AS (\n{rows}\n),\n"
        "figures AS (\n    SELECT\n        "
        + ",\n        ".join([*reads.keys, *inner])
        + f"\n    FROM measures{grouped(reads.keys)}\n)\n"
        "SELECT\n    " + ",\n    ".join([*reads.keys, *outer]) + f"\nFROM figures{order}\nLIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit())


def _named(metric: Metric, name: str) -> str:
    """The column of one of a metric's figures."""
    return metric.id if name == "value" else f"{metric.id}_{name}"


def _handed_out(metric: Metric) -> list[str]:
    """The columns of one metric."""
    value, n, effective = (_named(metric, name) for name in ("value", "n", "effective"))
    columns = [f"CAST({value} AS DOUBLE) AS {value}", f"CAST(coalesce({n}, 0) AS BIGINT) AS {n}"]
    if metric.kind == "ratio":
        ends = ((end, wilson(end, value, n, effective)) for end in ENDS)
        columns += [f"{text} AS {metric.id}_{end}" for end, text in ends]
    if metric.kind == "slope":
        error = _named(metric, "error")
        columns += [f"{normal(end, value, error)} AS {metric.id}_{end}" for end in ENDS]
    return columns


def parts(metric: Metric) -> tuple[str, str]:
    """The counts that a share divides. Raises BadRequest where it is no such share."""
    match = _SHARE.fullmatch(metric.sql)
    if metric.kind != "ratio" or match is None:
        raise BadRequest(f"metric: '{metric.id}' is no share of rows")
    return match[1], match[2]


def counted(args: CountsArgs) -> Wanted:
    """What a share's counts read. Raises UnknownName, BadRequest."""
    metric = find(args.metric)
    k, n = parts(metric)
    of = MEASURES[metric.source]
    columns = {k: of[k].value, n: of[n].value, f"{n}_rows": of[n].rows, f"{n}_squares": of[n].squares}
    dimensions = tuple(dict.fromkeys(known(metric.source, name) for name in args.by))
    return Wanted(metric.source, columns, args, dimensions, args.every)


def render_counts(args: CountsArgs, plan: Plan | None = None) -> Statement:
    """The statement whose rows are bucket?, the dimensions, k, n (weighted), rows (stored), effective (Kish's size)."""
    reads = counted(args)
    rows, parameters = measures(reads, plan or stored(args))
    k, n = parts(find(args.metric))
    columns = [
        *reads.keys,
        f"CAST(coalesce(sum({k}), 0) AS DOUBLE) AS k",
        f"CAST(coalesce(sum({n}), 0) AS DOUBLE) AS n",
        f"CAST(coalesce(sum({n}_rows), 0) AS BIGINT) AS rows",
        f"CAST(power(sum({n}), 2) / nullif(sum({n}_squares), 0) AS DOUBLE) AS effective",
    ]
    listed = ", ".join(reads.keys)
    order = f"\nORDER BY {', '.join(f'{key} NULLS LAST' for key in reads.keys)}" if reads.keys else ""
    sql = (
        f"WITH measures AS (\n{rows}\n)\nSELECT\n    "
        + ",\n    ".join(columns)
        + "\nFROM measures"
        + (f"\nGROUP BY {listed}" if listed else "")
        + f"{order}\nLIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit())
