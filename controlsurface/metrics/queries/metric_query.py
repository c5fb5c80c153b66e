"""One question about one metric, rendered as one SQL statement: names from closed sets, values as parameters."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from controlsurface.errors import UnknownName
from controlsurface.metrics import counterfactual, formula
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries import quantile
from controlsurface.metrics.queries.dimension_values import TOP_TEXT, TopCount
from controlsurface.metrics.rollups.measure_source import MeasureRequest, ReadPlan, select_measures, stored_rows_plan
from controlsurface.query.arguments import FilteredRange, NameList, StepLength
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement, order_by_clause, row_limit, select_cte

IntervalEnd = Literal["low", "high"]
INTERVAL_ENDS: tuple[IntervalEnd, ...] = ("low", "high")
QueryStep = Annotated[StepLength, Field(ge=timedelta(seconds=1), le=timedelta(days=3660))]


class MetricArgs(FilteredRange):
    """A metric, what to break it down by, and the time step."""

    metric: str = Field(
        max_length=100, description="a metric of /api/v1/metrics", json_schema_extra={"enum": list(CATALOG)}
    )
    by: NameList = Field((), max_length=4, description="up to four dimensions, comma-separated or repeated")
    every: QueryStep | None = Field(
        None, description="length of a bucket, such as 5m, 1h, 1d (UTC; weeks start on Monday)"
    )
    top: TopCount | None = Field(None, description=TOP_TEXT)


def find_metric(name: str) -> Metric:
    """The metric of that name. Raises UnknownName with the nearest one."""
    try:
        return CATALOG[name]
    except KeyError:
        raise UnknownName("metric", name, CATALOG) from None


def measures_of_metric(args: MetricArgs) -> MeasureRequest:
    """What the metric's formula reads. Raises UnknownName."""
    metric = find_metric(args.metric)
    dimensions = tuple(dict.fromkeys(dimension_column(metric.source, name) for name in args.by))
    strata = counterfactual.stratum_dimensions([metric], dimensions)
    columns = formula.measure_columns(metric, {*dimensions, *args.filters()})
    return MeasureRequest(metric.source, columns, args, dimensions, args.every, strata=strata)


def render_metric(args: MetricArgs, plan: ReadPlan | None = None, bounded: MeasureRequest | None = None) -> Statement:
    """The statement whose rows are bucket?, the dimensions, value, n, and low, high, priced_share where they apply.

    Rows are ordered by bucket and dimensions; a row whose time is unknown has no place in a time series. Without a plan
    stored rows are read; `bounded` is what is wanted, with the values that stand by themselves.
    """
    metric, reads, way = find_metric(args.metric), bounded or measures_of_metric(args), plan or stored_rows_plan(args)
    if metric.kind == "quantile" and not way.exact:
        return quantile.render_quantiles({"value": metric}, reads, way)
    rows, parameters = select_measures(reads, way)
    made = counterfactual.counterfactual_stage([metric], "measures", reads.keys)
    figured = _figures(metric, reads.keys, made.relation)
    sql = f"WITH measures AS (\n{rows}\n),\n{made.ctes}{figured}\n{_select(metric, reads.keys)}"
    return Statement(sql, parameters | row_limit(), "metrics.query")


def extra_columns(metric: Metric) -> tuple[str, ...]:
    """The columns that a metric's rows have beside value and n."""
    return (*interval_columns(metric), "priced_share") if metric.unit == "usd" else (*interval_columns(metric),)


def _figures(metric: Metric, keys: list[str], relation: str) -> str:
    """The CTE that sums measures and applies the formula."""
    columns = [*keys, *(f"{expression} AS {name}" for name, expression in figure_columns(metric, keys).items())]
    return select_cte("figures", columns, relation, keys)


def figure_columns(metric: Metric, keys: list[str]) -> dict[str, str]:
    """Aggregates over summed rows: value, n, and effective, error, low, high, priced_share where they apply."""
    partition = "bucket" if "bucket" in keys else ""
    columns = {"value": formula.value_sql(metric, partition), "n": formula.row_count_sql(metric, partition)}
    if metric.kind == "ratio":
        columns["effective"] = formula.effective_size_sql(metric, partition)
    if metric.error:
        columns["error"] = formula.standard_error_sql(metric)
    if metric.low:
        columns |= formula.estimate_ends_sql(metric)
    if metric.unit == "usd":
        columns["priced_share"] = formula.priced_share_sql(metric)
    return columns


def interval_columns(metric: Metric) -> dict[IntervalEnd, str]:
    """The ends of a metric's interval, over the columns that `figure_columns` names; none where it has no interval."""
    if metric.low:
        return {end: f"CAST({end} AS DOUBLE)" for end in INTERVAL_ENDS}
    made = wilson_end_sql if metric.kind == "ratio" else normal_end_sql if metric.error else None
    return {end: made(end) for end in INTERVAL_ENDS} if made else {}


def _select(metric: Metric, keys: list[str]) -> str:
    """The rows as they are handed out."""
    columns = [*keys, "CAST(value AS DOUBLE) AS value", "CAST(coalesce(n, 0) AS BIGINT) AS n"]
    columns += [f"{text} AS {end}" for end, text in interval_columns(metric).items()]
    if metric.unit == "usd":
        columns.append("priced_share")
    return "SELECT\n    " + ",\n    ".join(columns) + f"\nFROM figures{order_by_clause(keys)}\nLIMIT $row_limit"


def normal_end_sql(end: IntervalEnd, value: str = "value", error: str = "error") -> str:
    """One end of the interval at 95 % of a value with a standard error."""
    return f"CAST({value} {'-' if end == 'low' else '+'} 1.959963984540054 * {error} AS DOUBLE)"


def wilson_end_sql(end: IntervalEnd, value: str = "value", n: str = "n", effective: str = "effective") -> str:
    """One end of Wilson's score interval at 95 % for the share `value` of `effective` rows (Wilson 1927; z = 1.96)."""
    variance = f"greatest({value} * (1 - {value}), 0) / {effective} + 0.960364705173531 / ({effective} * {effective})"
    half = f"1.959963984540054 * sqrt({variance})"
    sign, clamp = ("-", "greatest(0, {})") if end == "low" else ("+", "least(1, {})")
    bound = f"({value} + 1.920729410347062 / {effective} {sign} {half}) / (1 + 3.841458820694124 / {effective})"
    return f"CASE WHEN {n} > 0 THEN {clamp.format(bound)} END"
