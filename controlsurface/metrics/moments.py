"""Several metrics of the same rows in one statement, at one moment or at many: what rules are judged by.

One statement reads the rows once, however many metrics are asked for. A replay asks for many moments at once: each row
then counts at every moment whose window holds it, so the figures are those that each moment would have seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controlsurface.metrics import counterfactual, formula
from controlsurface.metrics.arguments import Window
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.dimensions import known
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.query import wilson
from controlsurface.metrics.sliding import slid
from controlsurface.metrics.statement import Statement, conditions, row_limit, where

MOST_REPLAYED = 5_000_000  # rows of a replay


@dataclass(frozen=True, slots=True)
class Moments:
    """From `first` to `last`, every `every`, as long as that is not after `last`."""

    first: datetime
    last: datetime
    every: timedelta


def render(
    metrics: Sequence[str], by: Sequence[str], pairs: Sequence[str], over: timedelta, moments: Moments
) -> Statement:
    """The statement whose rows are metric, moment, the dimensions, value, n, low, high.

    A window is [moment - over, moment). The metrics have one source. `pairs` are conditions as `dimension:value`.
    A slice without rows at a moment has no row. Raises UnknownName.
    """
    asked = [CATALOG[name] for name in dict.fromkeys(metrics)]
    source = asked[0].source
    dimensions = [known(source, name) for name in dict.fromkeys(by)]
    window = Window(start=moments.first - over, end=moments.last, where=tuple(pairs))
    found, parameters = conditions(source, window)
    names = {*dimensions, *window.filters()}
    columns = {name: text for metric in asked for name, text in formula.columns(metric, names).items()}
    keys = ["moment", *dimensions]
    told_apart = [*dimensions, *counterfactual.strata(asked, dimensions)]
    slides = sliding(asked, over, moments)
    if slides:
        rows = slid(source, found, told_apart, columns, over)
    else:
        rows = _counted(source, found, ["moment", *told_apart], columns, moments)
    made = counterfactual.stage(asked, "measures", keys, within="moment")
    parts = [rows, *filter(None, [made.ctes]), _figures(asked, keys, made.relation), _long(asked, keys)]
    return Statement("\n".join(parts), {**parameters, **_windows(over, moments, slides=slides)}, "alerts.replay")


def sliding(metrics: Sequence[Metric], over: timedelta, moments: Moments) -> bool:
    """Whether the windows are made of whole steps, and the metrics of sums that can be added step by step."""
    additive = all(metric.kind != "quantile" and "distinct(" not in metric.sql for metric in metrics)
    return additive and moments.first != moments.last and over % moments.every == timedelta()


def _counted(
    source: str, found: Sequence[str], keys: Sequence[str], columns: Mapping[str, str], moments: Moments
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
    rows = f"(\n        SELECT r.*, {moment} AS moment\n        FROM {source} AS r{where(found, ' ' * 8)}\n    ) AS r"
    return f"WITH measures AS (\n    SELECT\n        {listed}\n    FROM {rows}\n),"


def _windows(over: timedelta, moments: Moments, *, slides: bool) -> Mapping[str, Any]:
    """The parameters that say when."""
    if moments.first == moments.last:
        return {"first": moments.first, **row_limit()}
    many = {"first": moments.first, "last": moments.last, "every": moments.every, "row_limit": MOST_REPLAYED}
    return many if slides else {**many, "over": over}


def _figures(metrics: Sequence[Metric], keys: Sequence[str], relation: str) -> str:
    """The CTE of one row a moment and slice, with three columns a metric."""
    columns = list(keys)
    for i, metric in enumerate(metrics):
        value, n = formula.value(metric, "moment"), formula.n(metric, "moment")
        sure = formula.effective(metric, "moment") if metric.kind == "ratio" else "CAST(NULL AS DOUBLE)"
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
    names = ",\n    ".join(["metric", *keys, "value", "n", f"{wilson('low')} AS low", f"{wilson('high')} AS high"])
    return f"long AS (\n{stacked}\n)\nSELECT\n    {names}\nFROM long\nLIMIT $row_limit"
