"""Quantiles from bins: what roll-ups keep, and what rows that stand for several need."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from controlsurface.metrics.measures import SPREADS
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.rollups import rollup_catalog
from controlsurface.metrics.rollups.measure_source import MeasureRequest, ReadPlan, select_measures
from controlsurface.query.statement import Statement, order_by_clause, row_limit, select_cte

_QUANTILE = re.compile(r"quantile\((\w+), ([\d.]+)\)")


def quantile_spread(metric: Metric) -> tuple[str, str]:
    """Which spread, and which quantile of it."""
    match = _QUANTILE.fullmatch(metric.sql)
    if match is None:
        raise ValueError(f"{metric.id} is no quantile")
    return match[1], match[2]


def list_quantile_sql(metric: Metric, beside: Iterable[Metric]) -> str:
    """A quantile of the values themselves as one of a list: DuckDB counts the same list once, and sorts for it once."""
    name, wanted = quantile_spread(metric)
    listed = sorted({quantile_spread(each)[1] for each in beside}, key=float)
    return f"quantile_cont({name}, [{', '.join(listed)}])[{listed.index(wanted) + 1}]"


def as_bins(wanted: MeasureRequest, name: str) -> MeasureRequest:
    """The same rows as bins of a spread: bin, n (stored rows) and weight."""
    value = SPREADS[wanted.source][name]
    return replace(
        wanted,
        columns={"bin": rollup_catalog.bin_number(name, value), "n": "1", "weight": "r.sample_weight"},
        conditions=(*wanted.conditions, f"{value} IS NOT NULL"),
    )


def render_quantiles(metrics: Mapping[str, Metric], wanted: MeasureRequest, plan: ReadPlan) -> Statement:
    """The statement whose rows are bucket?, the dimensions, and quantiles of one spread, each under its name.

    They are at most 2.5 % off. The stored rows that one rests on are n for the name `value`, NAME_n for others.
    """
    asked = {name: quantile_spread(metric) for name, metric in metrics.items()}
    (of, *_) = (each for each, _ in asked.values())
    rows, parameters = select_measures(as_bins(wanted, of), plan)
    keys = wanted.keys
    partition = f"PARTITION BY {', '.join(keys)} " if keys else ""
    middle = rollup_catalog.bin_middle(of)
    figures = [f"min({middle}) FILTER (WHERE until >= {q} * total) AS {name}" for name, (_, q) in asked.items()]
    until = f"sum(weight) OVER ({partition}ORDER BY bin NULLS FIRST) AS until"
    total = f"sum(weight) OVER ({partition.rstrip()}) AS total"
    ctes = [
        f"measures AS (\n{rows}\n)",
        select_cte("bins", [*keys, "bin", "sum(n) AS n", "sum(weight) AS weight"], "measures", [*keys, "bin"]),
        select_cte("reached", [*keys, "bin", "n", until, total], "bins"),
        select_cte("figures", [*keys, *figures, "sum(n) AS n"], "reached", keys),
    ]
    listed = ",\n    ".join([*keys, *(column for name in asked for column in _handed_out(name))])
    order = order_by_clause(keys)
    sql = "WITH " + ",\n".join(ctes) + f"\nSELECT\n    {listed}\nFROM figures{order}\nLIMIT $row_limit"
    return Statement(sql, parameters | row_limit(), "metrics.quantiles")


def _handed_out(name: str) -> tuple[str, str]:
    """The two columns of one quantile."""
    rests_on = "n" if name == "value" else f"{name}_n"
    return f"CAST({name} AS DOUBLE) AS {name}", f"CAST(coalesce(n, 0) AS BIGINT) AS {rests_on}"
