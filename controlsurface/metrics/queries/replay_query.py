"""Several metrics of the same rows in one statement, at one moment or at many: what rules are judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controlsurface.metrics import counterfactual, formula
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.metric_query import wilson_end_sql
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement, row_limit, where_clause, window_conditions


def sliding_sums(
    source: str, found: Sequence[str], dimensions: Sequence[str], columns: Mapping[str, str], over: timedelta
) -> str:
    """The CTEs that end in `measures`: one row a moment and slice with the sums of its window, where it holds rows.

    Parameters: $first, $last, $every; `over` is a multiple of $every.
    """
    named = [f"r.{name} AS {name}" for name in dimensions] + [f"{text} AS {name}" for name, text in columns.items()]
    sums = [*dimensions, *(f"sum({name}) AS {name}" for name in columns), "count(*) AS held"]
    listed = ", ".join(["moment", *dimensions])
    zeros = ", ".join([*(f"NULL AS {name}" for name in columns), "0 AS held"])
    slices = f"(SELECT DISTINCT {', '.join(dimensions)} FROM steps)" if dimensions else "(SELECT 1)"
    windowed = ", ".join(f"sum({name}) OVER held_by_it AS {name}" for name in [*columns, "held"])
    partition = f"PARTITION BY {', '.join(dimensions)} " if dimensions else ""
    back = int(over.total_seconds() * 1e6)
    return f"""WITH stepped AS (
    SELECT time_bucket($every, r.started_at, $first) + $every AS moment, {", ".join(named)}
    FROM {source} AS r{where_clause(found)}
),
steps AS (SELECT moment, {", ".join(sums)} FROM stepped GROUP BY {listed}),
grid AS (
    SELECT asked.moment, slices.*
    FROM (SELECT UNNEST(generate_series($first, $last, $every)) AS moment) AS asked CROSS JOIN {slices} AS slices
),
both_ AS (
    SELECT *, FALSE AS asked FROM steps
    UNION ALL BY NAME
    SELECT {listed}, {zeros}, TRUE AS asked FROM grid
),
summed AS (
    SELECT {listed}, {windowed}, asked
    FROM both_
    WINDOW held_by_it AS (
        {partition}ORDER BY epoch_us(moment) - epoch_us($first)
        RANGE BETWEEN {back} - epoch_us($every) PRECEDING AND CURRENT ROW
    )
),
measures AS (SELECT * EXCLUDE (asked, held) FROM summed WHERE asked AND held > 0),"""


MAX_REPLAYED_ROWS = 5_000_000  # rows of a replay


@dataclass(frozen=True, slots=True)
class ReplayMoments:
    """From `first` to `last`, every `every`, as long as that is not after `last`."""

    first: datetime
    last: datetime
    every: timedelta


def render_replay(
    metrics: Sequence[str], by: Sequence[str], pairs: Sequence[str], over: timedelta, moments: ReplayMoments
) -> Statement:
    """The statement whose rows are metric, moment, the dimensions, value, n, low, high.

    A window is [moment - over, moment). The metrics have one source. `pairs` are conditions as `dimension:value`.
    A slice without rows at a moment has no row. Raises UnknownName.
    """
    asked = [CATALOG[name] for name in dict.fromkeys(metrics)]
    source = asked[0].source
    dimensions = [dimension_column(source, name) for name in dict.fromkeys(by)]
    window = FilteredRange(start=moments.first - over, end=moments.last, where=tuple(pairs))
    found, parameters = window_conditions(source, window)
    names = {*dimensions, *window.filters()}
    columns = {name: text for metric in asked for name, text in formula.measure_columns(metric, names).items()}
    keys = ["moment", *dimensions]
    told_apart = [*dimensions, *counterfactual.stratum_dimensions(asked, dimensions)]
    slides = can_slide(asked, over, moments)
    if slides:
        rows = sliding_sums(source, found, told_apart, columns, over)
    else:
        rows = _counted(source, found, ["moment", *told_apart], columns, moments)
    made = counterfactual.counterfactual_stage(asked, "measures", keys, within="moment")
    parts = [rows, *filter(None, [made.ctes]), _figures(asked, keys, made.relation), _long(asked, keys)]
    return Statement("\n".join(parts), {**parameters, **_windows(over, moments, slides=slides)}, "alerts.replay")


def can_slide(metrics: Sequence[Metric], over: timedelta, moments: ReplayMoments) -> bool:
    """Whether the windows are made of whole steps, and the metrics of sums that can be added step by step."""
    additive = all(metric.kind != "quantile" and "distinct(" not in metric.sql for metric in metrics)
    return additive and moments.first != moments.last and over % moments.every == timedelta()


def _counted(
    source: str, found: Sequence[str], keys: Sequence[str], columns: Mapping[str, str], moments: ReplayMoments
) -> str:
    """The CTE of measure columns: each row once for each moment whose window holds it."""
    listed = ",\n        ".join(
        [*(f"r.{key}" for key in keys), *(f"{text} AS {name}" for name, text in columns.items())]
    )
    if moments.first == moments.last:
        moment = "CAST($first AS TIMESTAMP)"
    else:  # moments after the row, up to `over` after it
        later = "time_bucket($every, r.started_at, $first) + $every"
        latest = "time_bucket($every, r.started_at + $over, $first)"
        moment = f"UNNEST(generate_series(greatest({later}, $first), least({latest}, $last), $every))"
    conditions = where_clause(found, " " * 8)
    rows = f"(\n        SELECT r.*, {moment} AS moment\n        FROM {source} AS r{conditions}\n    ) AS r"
    return f"WITH measures AS (\n    SELECT\n        {listed}\n    FROM {rows}\n),"


def _windows(over: timedelta, moments: ReplayMoments, *, slides: bool) -> Mapping[str, Any]:
    """The parameters that say when."""
    if moments.first == moments.last:
        return {"first": moments.first, **row_limit()}
    many = {"first": moments.first, "last": moments.last, "every": moments.every, "row_limit": MAX_REPLAYED_ROWS}
    return many if slides else {**many, "over": over}


def _figures(metrics: Sequence[Metric], keys: Sequence[str], relation: str) -> str:
    """The CTE of one row a moment and slice, with three columns a metric."""
    columns = list(keys)
    for i, metric in enumerate(metrics):
        value, n = formula.value_sql(metric, "moment"), formula.row_count_sql(metric, "moment")
        sure = formula.effective_size_sql(metric, "moment") if metric.kind == "ratio" else "CAST(NULL AS DOUBLE)"
        columns += [f"{value} AS value_{i}", f"{n} AS n_{i}", f"{sure} AS effective_{i}"]
    listed = ",\n        ".join(columns)
    return f"figures AS (\n    SELECT\n        {listed}\n    FROM {relation}\n    GROUP BY {', '.join(keys)}\n),"


def _long(metrics: Sequence[Metric], keys: Sequence[str]) -> str:
    """One row a moment, slice and metric."""
    each = (
        f"        {{'metric': '{metric.id}', 'value': CAST(value_{i} AS DOUBLE), "
        f"'n': CAST(coalesce(n_{i}, 0) AS BIGINT), 'effective': CAST(effective_{i} AS DOUBLE)}}"
        for i, metric in enumerate(metrics)
    )
    listed = ",\n".join(each)
    stacked = f"    SELECT {', '.join(keys)}, UNNEST([\n{listed}\n    ], recursive := true)\n    FROM figures"
    names = ",\n    ".join(
        ["metric", *keys, "value", "n", f"{wilson_end_sql('low')} AS low", f"{wilson_end_sql('high')} AS high"]
    )
    return f"long AS (\n{stacked}\n)\nSELECT\n    {names}\nFROM long\nLIMIT $row_limit"
