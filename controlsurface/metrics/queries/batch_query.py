"""Several metrics over one window in as few statements as there are kinds of rows, and the counts behind a share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from controlsurface.arrays import Floats
from controlsurface.metrics import counterfactual, formula
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries import quantile
from controlsurface.metrics.queries.dimension_values import TOP_TEXT, TopCount
from controlsurface.metrics.queries.metric_query import (
    INTERVAL_ENDS,
    QueryStep,
    extra_columns,
    figure_columns,
    find_metric,
)
from controlsurface.metrics.rollups.measure_source import MeasureRequest, ReadPlan, select_measures, stored_rows_plan
from controlsurface.metrics.statistics import normal_interval, wilson_interval
from controlsurface.query.arguments import FilteredRange, NameList
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement, order_by_clause, row_limit, select_cte


class BatchArgs(FilteredRange):
    """Metrics, what to break them all down by, and the time step."""

    metrics: NameList = Field(min_length=1, max_length=60, description="metrics of /api/v1/metrics")
    by: NameList = Field((), max_length=4, description="up to four dimensions, comma-separated or repeated")
    every: QueryStep | None = Field(
        None, description="length of a bucket, such as 5m, 1h, 1d (UTC; weeks start on Monday)"
    )
    top: TopCount | None = Field(None, description=TOP_TEXT)

    @model_validator(mode="after")
    def _known(self) -> "BatchArgs":
        """Refuse what is no metric."""
        for name in self.metrics:
            find_metric(name)
        return self


@dataclass(frozen=True, slots=True)
class QueryPass:
    """Metrics that are read together: of one source, and quantiles of one `spread`, counts of keys, or sums."""

    metrics: tuple[Metric, ...]
    reads: MeasureRequest
    spread: str | None = None


def query_passes(args: BatchArgs) -> list[QueryPass]:
    """The metrics, by what they are read from. Raises UnknownName."""
    ways: dict[tuple[str, ...], list[Metric]] = {}
    for name in dict.fromkeys(args.metrics):
        ways.setdefault(_way(find_metric(name)), []).append(find_metric(name))
    return [_pass(args, found) for found in ways.values()]


def _way(metric: Metric) -> tuple[str, ...]:
    """What metrics share that are read together."""
    apart = "baselines" if counterfactual.needs_counterfactual(metric) else "keys" if "distinct(" in metric.sql else ""
    return metric.source, _spread(metric) or "", apart


def _spread(metric: Metric) -> str | None:
    return quantile.quantile_spread(metric)[0] if metric.kind == "quantile" else None


def _pass(args: BatchArgs, found: Sequence[Metric]) -> QueryPass:
    asked = {*args.by, *args.filters()}
    columns = {name: text for metric in found for name, text in formula.measure_columns(metric, asked).items()}
    source = found[0].source
    dimensions = tuple(dict.fromkeys(dimension_column(source, name) for name in args.by))
    strata = counterfactual.stratum_dimensions(found, dimensions)
    return QueryPass(
        tuple(found), MeasureRequest(source, columns, args, dimensions, args.every, strata=strata), _spread(found[0])
    )


def render_pass(each: QueryPass, plan: ReadPlan | None = None) -> Statement:
    """The statement whose rows are bucket?, the dimensions, and of each metric M: M, M_n, and what its interval needs.

    The intervals themselves are left to `split_metric_rows`: they are most of the text of a statement, and so of its
    planning.
    """
    reads, way = each.reads, plan or stored_rows_plan(each.reads.window)
    if each.spread and not way.exact:
        return quantile.render_quantiles({metric.id: metric for metric in each.metrics}, reads, way)
    rows, parameters = select_measures(reads, way)
    inner = [f"{text} AS {name}" for metric in each.metrics for name, text in _figures(metric, each).items()]
    outer = [column for metric in each.metrics for column in _handed_out(metric)]
    made = counterfactual.counterfactual_stage(each.metrics, "measures", reads.keys)
    figures = select_cte("figures", [*reads.keys, *inner], made.relation, reads.keys)
    listed = ",\n    ".join([*reads.keys, *outer])
    sql = (
        f"WITH measures AS (\n{rows}\n),\n{made.ctes}{figures}\n"
        f"SELECT\n    {listed}\nFROM figures{order_by_clause(reads.keys)}\nLIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit(), "metrics.batch")


def _figures(metric: Metric, each: QueryPass) -> dict[str, str]:
    """The aggregates of one metric, by column."""
    found = figure_columns(metric, each.reads.keys)
    if each.spread:
        found["value"] = quantile.list_quantile_sql(metric, each.metrics)
    return {_named(metric, name): text for name, text in found.items()}


def split_metric_rows(each: QueryPass, rows: pa.Table) -> Iterator[pa.Table]:
    """The rows of each metric under its name, as they are when it is asked for alone."""
    for metric in each.metrics:
        name = pa.array([metric.id], pa.string()).take(pa.array([0] * rows.num_rows, pa.int32()))
        own = {key: rows[key] for key in each.reads.keys} | _own(metric, rows)
        yield pa.table({"metric": name, **own})


def _own(metric: Metric, rows: pa.Table) -> dict[str, Any]:
    """The columns of one metric."""
    own: dict[str, Any] = {"value": rows[metric.id], "n": rows[_named(metric, "n")]}
    column = _uncertain(metric)
    if column:
        interval = wilson_interval if column == "effective" else normal_interval
        low, high = interval(*(_floats(each) for each in (own["value"], rows[_named(metric, column)])))
        own |= {"low": pa.array(low, from_pandas=True), "high": pa.array(high, from_pandas=True)}
    return own | {name: rows[_named(metric, name)] for name in extra_columns(metric) if name not in own}


def _uncertain(metric: Metric) -> str:
    """The figure that a metric's interval follows from; empty for none."""
    return "effective" if metric.kind == "ratio" else "error" if metric.error else ""


def _floats(column: "pa.ChunkedArray[Any]") -> Floats:
    """Numbers, unknown ones as NaN."""
    return column.to_numpy(zero_copy_only=False).astype(np.float64)


def _named(metric: Metric, name: str) -> str:
    """The column of one of a metric's figures."""
    return metric.id if name == "value" else f"{metric.id}_{name}"


def _handed_out(metric: Metric) -> list[str]:
    """The columns of one metric."""
    value, n = (_named(metric, name) for name in ("value", "n"))
    columns = [f"CAST({value} AS DOUBLE) AS {value}", f"CAST(coalesce({n}, 0) AS BIGINT) AS {n}"]
    if metric.low:
        columns += [f"CAST({_named(metric, end)} AS DOUBLE) AS {_named(metric, end)}" for end in INTERVAL_ENDS]
    if _uncertain(metric):
        name = _named(metric, _uncertain(metric))
        columns.append(f"CAST({name} AS DOUBLE) AS {name}")
    if metric.unit == "usd":
        columns.append(_named(metric, "priced_share"))
    return columns
